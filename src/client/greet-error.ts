import type { Violation } from './types.ts';

/**
 * Why a call failed:
 *
 * - `invalid`: the name is not valid; `violations` says why.
 * - `refused`: the request is not accepted for another reason, such as a bad option of the call or a rate limit. It is not retried.
 * - `unavailable`: there was no connection, it broke, or the service is overloaded or shutting down. Retries did not help.
 * - `timeout`: there was no answer within `timeoutMs`.
 * - `cancelled`: the caller's signal was aborted, or the client was closed.
 * - `failed`: the service failed, or the answer is not one of this service (a proxy's page, a redirect, a broken body).
 */
export type GreetErrorKind = 'invalid' | 'refused' | 'unavailable' | 'timeout' | 'cancelled' | 'failed';

interface GreetErrorOptions {
  readonly violations?: readonly Violation[];
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** The only error that calls of both clients reject with. Its message can be shown to users. */
export class GreetError extends Error {
  override readonly name = 'GreetError';
  declare readonly kind: GreetErrorKind;
  /** What is wrong with the name; the same words over HTTP and gRPC. */
  declare readonly violations: readonly Violation[];
  /** The id under which the service logged the request, if the service answered. */
  declare readonly requestId: string | undefined;

  constructor(kind: GreetErrorKind, message: string, { cause, ...details }: GreetErrorOptions = {}) {
    super(message, { cause });
    Object.assign(this, { kind, violations: [] }, details);
  }
}

/** Wraps whatever was thrown, unless it is a GreetError already. */
export function toGreetError(kind: GreetErrorKind, what: string, error: unknown): GreetError {
  // The message `fetch failed` says nothing. Its cause has the reason: one of OpenSSL, a message, or only a code.
  const { cause = error } = Object(error);
  const reason = cause?.reason || cause?.message || cause?.code || error;
  return error instanceof GreetError ? error : new GreetError(kind, `${what}: ${reason}`, { cause: error });
}

/**
 * Refuses names that no transport can carry: values that are not strings, and lone surrogates, which encoders replace by U+FFFD.
 *
 * @throws {GreetError} `invalid`, in the words of the service.
 */
export function assertName(name: unknown): asserts name is string {
  const lone = /\p{Cs}/u.exec(name as string);
  const detail =
    typeof name !== 'string'
      ? 'must be a string'
      : lone && `must not contain lone surrogates, got U+${lone[0].charCodeAt(0).toString(16).toUpperCase()}`;
  if (detail) throw new GreetError('invalid', `name ${detail}`, { violations: [{ field: 'name', detail }] });
}
