/** Why the service cannot answer a valid request. Each transport has a status for each of them. */
export type ServiceErrorCode = 'unavailable' | 'overloaded' | 'limited';

/** A failure whose message is safe to send to the client. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;
  /** When to retry. Each transport has its own field for it. */
  readonly retryAfterSeconds: number;

  constructor(code: ServiceErrorCode, message: string, { retryAfterSeconds = 1 } = {}) {
    super(message);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
