import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { readViolations } from '../net/grpc/rich-status.ts';
import { GreetError, type GreetErrorKind } from './greet-error.ts';
import type { Violation } from './types.ts';

const kinds: Readonly<Partial<Record<status, GreetErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.UNAVAILABLE]: 'unavailable',
  // Cancelled by the peer. A call that its own caller cancelled does not get here.
  [status.CANCELLED]: 'unavailable',
  [status.DEADLINE_EXCEEDED]: 'timeout',
  [status.RESOURCE_EXHAUSTED]: 'refused',
  [status.UNIMPLEMENTED]: 'refused',
  [status.NOT_FOUND]: 'refused',
  [status.PERMISSION_DENIED]: 'refused',
  [status.UNAUTHENTICATED]: 'refused',
  [status.FAILED_PRECONDITION]: 'refused',
  [status.OUT_OF_RANGE]: 'refused',
};

interface Circumstances {
  readonly target: string;
  /** The initial metadata, if it arrived. */
  readonly headers: Metadata | undefined;
}

/** Builds the error for a gRPC status, which may come from the service, from grpc-js or from a proxy. */
export function errorOfStatus(cause: ServiceError | null, { target, headers }: Circumstances): GreetError {
  if (!cause) return new GreetError('failed', `${target} answered without a message.`);
  const { code, metadata } = cause;
  const connectionError = connectionErrorOf(cause);
  const details = connectionError ?? cause.details;
  const [id] = [...metadata.get('x-request-id'), ...(headers?.get('x-request-id') ?? [])];
  const message = describe(headers) + (details || `status ${status[code] ?? code}, without a message`);
  // The service refuses without initial metadata and with a message. Anything else is a response that grpc-js did not accept.
  const isRead = !headers && details !== noMessage;
  const kind = connectionError === undefined ? (kinds[code] ?? 'failed') : 'unavailable';
  return new GreetError(
    kind === 'refused' && !isRead ? 'failed' : kind,
    id === undefined ? `${target}: ${message}` : message,
    { violations: violationsOf(cause), requestId: id?.toString(), cause },
  );
}

/** The details that grpc-js sets, with UNIMPLEMENTED, for a status OK without a message. */
const noMessage = 'No message received';

/** Names the content type of a response that is not gRPC. The details alone would be about gRPC frames, which it does not have. */
function describe(headers: Metadata | undefined): string {
  const type = headers?.get('content-type')[0]?.toString();
  return type === undefined || type.startsWith('application/grpc')
    ? ''
    : `an answer of type ${type}, not gRPC; `;
}

/** The reason why the connection broke during a call, if grpc-js reports that as INTERNAL; undefined for any other error. */
export function connectionErrorOf(error: ServiceError | null): string | undefined {
  if (error?.code !== status.INTERNAL) return undefined;
  return /triggered by internal client error: (.*)$/s.exec(error.details)?.[1];
}

/** True if the deadline passed in this client. The service can send the same status. */
export function isOverdue(error: ServiceError | null): boolean {
  return error?.code === status.DEADLINE_EXCEEDED && error.details.startsWith('Deadline exceeded');
}

/** The service reports the field of the protobuf message, `message`. Callers of this client know it as the name. */
function violationsOf(error: ServiceError): readonly Violation[] {
  try {
    return readViolations(error).map(({ detail }) => ({ field: 'name', detail }));
  } catch {
    // Malformed details are dropped. The status and its message remain.
    return [];
  }
}
