/** What can keep the service from answering a good request. Each transport has a status for each of them. */
export type ServiceErrorCode = 'unavailable' | 'overloaded' | 'limited';

/** A failure whose message is safe to show to the caller. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;
  /** When to ask again: each transport says so in its own way. */
  readonly retryAfterSeconds: number;

  constructor(code: ServiceErrorCode, message: string, { retryAfterSeconds = 1 } = {}) {
    super(message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
