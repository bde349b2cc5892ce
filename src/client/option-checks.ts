import { GreetError } from './greet-error.ts';
import type { CallOptions, ClientOptions } from './options.ts';

// What TypeScript checks of its callers, and others would learn only from a call that fails in some odd way.

/** The longest that a timer of JavaScript waits; it fires at once where it is told to wait longer. */
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

/** What the service accepts. It would replace any other id by its own, and log the request under that. */
const acceptedId = /^[\w.:+/=-]{1,128}$/;

/** @throws {GreetError} `refused`: a call rejects, and never throws. */
export function checkCallOptions(options: CallOptions | null | undefined): void {
  const { signal, requestId } = { ...options };
  if (signal != null && !(typeof signal.aborted === 'boolean' && signal.addEventListener))
    throw new GreetError('refused', `signal: expected an AbortSignal, got ${describe(signal)}`);
  if (requestId != null && !(typeof requestId === 'string' && acceptedId.test(requestId))) {
    const expected = '1 to 128 of the characters A-Z a-z 0-9 _ . : + / = -';
    throw new GreetError('refused', `requestId: expected ${expected}, got ${describe(requestId)}`);
  }
}

/** A value as it can be shown: short, and without what a string may do to a terminal. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  return typeof value === 'number' || value == null ? String(value) : `a value of type ${typeof value}`;
}

/** A URL, or what should be one, without what may be secret: credentials and the query. */
export function withoutSecrets(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1…@').replace(/[?#].*$/s, '?…');
}
