/** What can keep the service from answering a good request. Each transport has a status for each of them. */
export type ServiceErrorCode = 'unavailable' | 'overloaded';

/** A failure whose message is safe to show to the caller. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
