/**
 * Why there is no greeting: `invalid` (the name; see `faults`), `refused` (anything else about the request), `unavailable`
 * (nobody answered, or the service is overloaded or going away), `timeout`, `cancelled` (by the caller's signal), or
 * `failed` (the service's own fault).
 */
export type GreetErrorKind = 'invalid' | 'refused' | 'unavailable' | 'timeout' | 'cancelled' | 'failed';

interface GreetErrorOptions {
  readonly faults?: readonly NameFault[];
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

export interface NameFault {
  readonly field: string;
  readonly detail: string;
}

/** The one error of both clients. Its message is the service's own, and fit to be shown. */
export class GreetError extends Error {
  override readonly name = 'GreetError';
  readonly kind: GreetErrorKind;
  /** What was wrong with the name, in the service's words; the same over both transports. */
  readonly faults: readonly NameFault[];
  /** The id under which the service logged the request, where it came that far. */
  readonly requestId: string | undefined;

  constructor(
    kind: GreetErrorKind,
    message: string,
    { faults = [], requestId, cause }: GreetErrorOptions = {},
  ) {
    super(message, { cause });
    this.kind = kind;
    this.faults = faults;
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
  const fault = {
    field: 'name',
    detail: `must not contain lone surrogates, got U+${found.toString(16).toUpperCase()}`,
  };
  throw new GreetError('invalid', `${fault.field} ${fault.detail}`, { faults: [fault] });
}
