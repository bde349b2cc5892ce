import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { constants } from 'node:http2';

/** Why a call ends before the service sees it. */
export type CallRefusalCode =
  // Its headers (request-headers.ts).
  | 'not-post'
  | 'not-grpc'
  | 'metadata-too-long'
  | 'method-unknown'
  | 'timeout-malformed'
  | 'encoding-unknown'
  // Its messages (framing.ts).
  | 'frame-malformed'
  | 'frame-incomplete'
  | 'encoding-missing'
  // What grpc-js finds (library-status.ts).
  | 'message-too-long'
  | 'message-count'
  | 'message-not-decompressed'
  | 'deadline-passed'
  // Its connection, the number of calls, and time (call-limits.ts).
  | 'not-http2'
  | 'too-many-calls'
  | 'request-incomplete';

export interface CallRefusal {
  readonly code: CallRefusalCode;
  /** The client's. */
  readonly headers: IncomingHttpHeaders;
  /** The address of the other end of the connection. */
  readonly peer: string | undefined;
}

/** The service's status for a refusal: the code of the gRPC protocol, a message, and metadata that has {@link requestIdKey}. */
export interface CallRefusalStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Called once for each refusal, so it also counts and logs it. A connection that is not HTTP/2, and one call too many, get no answer. */
export type AnswerCallRefusal = (refusal: CallRefusal) => CallRefusalStatus;

/** Every status of the service has this metadata key. A status without it is grpc-js's own. */
export const requestIdKey = 'x-request-id';

/** The compressions of grpc-js (https://github.com/grpc/grpc/blob/master/doc/compression.md). */
export const acceptedEncodings: readonly string[] = ['identity', 'deflate', 'gzip'];

/** Ends the call with the service's status. If its response has begun, a reset is all that can be sent: INTERNAL to gRPC clients. */
export function refuseCall(
  stream: ServerHttp2Stream,
  refusal: CallRefusal,
  answerRefusal: AnswerCallRefusal,
): void {
  if (stream.closed || stream.destroyed) return;
  // A response that is complete leaves nothing to refuse but the rest of the request (RFC 9113, section 8.1).
  const isAnswered = stream.headersSent && stream.writableEnded;
  if (!isAnswered) {
    const status = answerRefusal(refusal);
    if (stream.headersSent) {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      return;
    }
    respond(stream, refusal, status);
  }
  // Node 26.12 sends nothing of a response whose stream is closed in the same turn of the event loop.
  setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
}

function respond(stream: ServerHttp2Stream, { code, headers }: CallRefusal, status: CallRefusalStatus): void {
  const httpStatus = httpStatuses[code];
  if (httpStatus === undefined) {
    const extra = code === 'encoding-unknown' && { 'grpc-accept-encoding': acceptedEncodings.join() };
    stream.respond({ ...trailersOf(status), ...extra }, { endStream: true });
  } else {
    const isHead = headers[':method'] === 'HEAD';
    const head = {
      ':status': httpStatus,
      'content-type': 'text/plain; charset=utf-8',
      ...(httpStatus === constants.HTTP_STATUS_METHOD_NOT_ALLOWED && { allow: 'POST' }),
      ...status.metadata,
    };
    stream.respond(head, { endStream: isHead });
    if (!isHead) stream.end(`${status.details}\n`);
  }
}

/** Clients that are not gRPC's get an HTTP error and text (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
const httpStatuses: Partial<Record<CallRefusalCode, number>> = {
  'not-post': constants.HTTP_STATUS_METHOD_NOT_ALLOWED,
  'not-grpc': constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE,
};

/** A response that is a status alone (Trailers-Only). */
export function trailersOf({ code, details, metadata }: CallRefusalStatus): OutgoingHttpHeaders {
  return {
    ':status': 200,
    'content-type': 'application/grpc+proto',
    'grpc-status': code,
    'grpc-message': encodeURI(details),
    ...metadata,
  };
}

/** The same for a response whose headers have been sent. */
export function trailersAfterHeaders(status: CallRefusalStatus): OutgoingHttpHeaders {
  const { ':status': _status, 'content-type': _type, ...trailers } = trailersOf(status);
  return trailers;
}
