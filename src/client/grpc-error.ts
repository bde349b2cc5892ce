import { type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { readViolations } from '../net/grpc/rich-status.ts';
import { GreetError, type GreetErrorKind } from './greet-error.ts';
import type { Violation } from './types.ts';

const kinds: Readonly<Partial<Record<status, GreetErrorKind>>> = {
  [status.INVALID_ARGUMENT]: 'invalid',
  [status.UNAVAILABLE]: 'unavailable',
  // By the other side: the caller's own signal is asked before.
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
  /** The initial metadata, where it came. */
  readonly headers: Metadata | undefined;
}

/** The error for a status of gRPC, whether the service, grpc-js or something between them made it. */
export function errorOfStatus(cause: ServiceError | null, { target, headers }: Circumstances): GreetError {
  if (!cause) return new GreetError('failed', `${target} answered without a message.`);
  const { code, metadata } = cause;
  const connectionError = connectionErrorOf(cause);
  const details = connectionError ?? cause.details;
  const [id] = [...metadata.get('x-request-id'), ...(headers?.get('x-request-id') ?? [])];
  const message = describe(headers) + (details || `status ${status[code] ?? code}, without a message`);
  // The service refuses without headers and with a message: all else is an answer that grpc-js does not accept.
  const isRead = !headers && details !== noMessage;
  const kind = connectionError === undefined ? (kinds[code] ?? 'failed') : 'unavailable';
  return new GreetError(
    kind === 'refused' && !isRead ? 'failed' : kind,
    id === undefined ? `${target}: ${message}` : message,
    { violations: violationsOf(cause), requestId: id?.toString(), cause },
  );
}

/** What grpc-js makes of a status OK without a message, beside UNIMPLEMENTED. */
const noMessage = 'No message received';

/** What kind of answer it is, where it is not gRPC: the details would speak of frames that it does not have. */
function describe(headers: Metadata | undefined): string {
  const type = headers?.get('content-type')[0]?.toString();
  return type === undefined || type.startsWith('application/grpc')
    ? ''
    : `an answer of type ${type}, not gRPC; `;
}

/** Why the connection broke under a call, where grpc-js reports that as INTERNAL; undefined for all else. */
export function connectionErrorOf(error: ServiceError | null): string | undefined {
  if (error?.code !== status.INTERNAL) return undefined;
  return /triggered by internal client error: (.*)$/s.exec(error.details)?.[1];
}

/** True for a deadline that passed on this side. */
export function isOverdue(error: ServiceError | null): boolean {
  return error?.code === status.DEADLINE_EXCEEDED && error.details.startsWith('Deadline exceeded');
}

/** The message calls the name `message`; our callers gave a name. */
function violationsOf(error: ServiceError): readonly Violation[] {
  try {
    return readViolations(error).map(({ detail }) => ({ field: 'name', detail }));
  } catch {
    // Details that are not what they should be: the status and its message remain.
    return [];
  }
}
