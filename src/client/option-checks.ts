import { GreetError } from './greet-error.ts';
import type { CallOptions, ClientOptions } from './options.ts';

// Checks for callers without TypeScript. A wrong option would otherwise only show in a call that fails for no clear reason.

/** The longest delay of a JavaScript timer. A timer with a longer one fires at once. */
const maxTimeoutMs = 2 ** 31 - 1;

/** @throws {TypeError} that names the option, what was expected and what was found. */
export function checkClientOptions(options: ClientOptions, maxAttempts: number): void {
  const { timeoutMs, attempts, inject } = options;
  checkMilliseconds('timeoutMs', timeoutMs);
  checkCount('attempts', attempts, maxAttempts);
  checkFunction('inject', inject);
}

export function checkMilliseconds(name: string, value: number | undefined): void {
  checkCount(name, value, maxTimeoutMs);
}

function checkCount(name: string, value: number | undefined, max: number): void {
  if (value === undefined || (Number.isInteger(value) && value > 0 && value <= max)) return;
  throw new TypeError(`${name}: expected a whole number from 1 to ${max}, got ${describe(value)}`);
}

export function checkFunction(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw new TypeError(`${name}: expected a function, got ${describe(value)}`);
}

/** The ids that the service accepts. It replaces any other id by one of its own, and logs the request under that. */
const acceptedId = /^[\w.:+/=-]{1,128}$/;

/** @throws {GreetError} `refused`, and never a TypeError: calls reject with a GreetError only. */
export function checkCallOptions(options: CallOptions | null | undefined): void {
  const { signal, requestId } = { ...options };
  if (signal != null && !(typeof signal.aborted === 'boolean' && signal.addEventListener))
    throw new GreetError('refused', `signal: expected an AbortSignal, got ${describe(signal)}`);
  if (requestId != null && !(typeof requestId === 'string' && acceptedId.test(requestId))) {
    const expected = '1 to 128 of the characters A-Z a-z 0-9 _ . : + / = -';
    throw new GreetError('refused', `requestId: expected ${expected}, got ${describe(requestId)}`);
  }
}

/** Formats a value for a message: short, and without control characters that a terminal would obey. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return typeof value === 'number' || value == null ? String(value) : `a value of type ${typeof value}`;
}

/** Removes the parts of a URL that may be secret: credentials and the query. The text need not be a valid URL. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1…@').replace(/[?#].*$/s, '?…');
}
