/**
 * Why there is no greeting: `invalid` (the name; see `violations`), `refused` (anything else about the request, or there were too
 * many from this address: then the message says when to ask again, and nothing does so by itself), `unavailable` (nobody
 * answered, or the service is overloaded or going away), `timeout`, `cancelled` (by the caller's signal), or `failed` (the
 * service's own fault).
 */
export type GreetErrorKind = 'invalid' | 'refused' | 'unavailable' | 'timeout' | 'cancelled' | 'failed';

interface GreetErrorOptions {
  readonly violations?: readonly Violation[];
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

export interface Violation {
  readonly field: string;
  readonly detail: string;
}

/** The one error of both clients. Its message is the service's own, and fit to be shown. */
export class GreetError extends Error {
  override readonly name = 'GreetError';
  readonly kind: GreetErrorKind;
  /** What was wrong with the name, in the service's words; the same over both transports. */
  readonly violations: readonly Violation[];
  /** The id under which the service logged the request, where it came that far. */
  readonly requestId: string | undefined;

  constructor(
    kind: GreetErrorKind,
    message: string,
    { violations = [], requestId, cause }: GreetErrorOptions = {},
  ) {
    super(message, { cause });
    this.kind = kind;
    this.violations = violations;
    this.requestId = requestId;
  }
}

/**
 * Neither transport can carry a lone surrogate: what encodes it puts U+FFFD in its place, unasked.
 *
 * @throws {GreetError} `invalid`, in the words that the service has for it.
 */
export function assertWellFormed(name: string): void {
  const found = /\p{Cs}/u.exec(name)?.[0].charCodeAt(0);
  if (found === undefined) return;
  const violation = {
    field: 'name',
    detail: `must not contain lone surrogates, got U+${found.toString(16).toUpperCase()}`,
  };
  throw new GreetError('invalid', `${violation.field} ${violation.detail}`, { violations: [violation] });
}
