import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { countResets } from '../http2/resets.ts';
import type { Limits } from '../limits.ts';

/** Why the wire ends a call before the service has answered it. */
export type CallRefusalCode = 'request-incomplete' | 'metadata-too-long';

/** The service's status for a refusal: the code of the gRPC protocol, and a message. */
export type AnswerCallRefusal = (code: CallRefusalCode) => {
  readonly code: number;
  readonly details: string;
};

interface Call {
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  isComplete: boolean;
  /** The sweep since which it waits for its client. */
  since: number;
}

/**
 * Limits what grpc-js does not limit: connections, and how long a client takes to send its request and to read the response. The calls
 * are kept in a list from which ended ones are removed in batches: a listener and a timer for each call would cost an eighth of a call.
 */
export function limitCalls(
  server: Http2Server,
  { limits, isTls, answerRefusal }: { limits: Limits; isTls: boolean; answerRefusal: AnswerCallRefusal },
): void {
  const { maxHeaderBytes, maxIncompleteCalls, maxStreams, stalledSweeps, streamsPerCleanup } = limits;
  server.maxConnections = isTls ? limits.maxTlsConnections : limits.maxGrpcConnections;
  const resets = countResets(limits);
  // In order of arrival.
  let calls: Call[] = [];
  let completeCalls = 0;
  let nextCleanupAt = streamsPerCleanup;
  let sweeps = 0;

  const refuse = (stream: ServerHttp2Stream, code: CallRefusalCode) => {
    if (!stream.headersSent && !stream.closed && !stream.destroyed) {
      const { code: status, details } = answerRefusal(code);
      const trailers = {
        ':status': 200,
        'content-type': 'application/grpc+proto',
        'grpc-status': status,
        'grpc-message': details,
      };
      stream.respond(trailers, { endStream: true });
    }
    // The response is complete, so the rest of the request is of no use (RFC 9113, section 8.1).
    stream.close(constants.NGHTTP2_NO_ERROR);
  };
  /** The request is complete, or refused. From now on the call waits for its response to leave. */
  const complete = (call: Call): void => {
    call.isComplete = true;
    call.since = sweeps;
    if (!call.stream.readableEnded) refuse(call.stream, 'request-incomplete');
  };
  const cleanUp = (): void => {
    for (const { stream, session } of calls) {
      if (!stream.destroyed) continue;
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) resets.add(session, 1);
      detach(stream);
    }
    calls = calls.filter(({ stream }) => !stream.destroyed);
    for (const call of calls) if (!call.isComplete && call.stream.readableEnded) complete(call);
    const incomplete = calls.filter(({ isComplete }) => !isComplete);
    for (const call of incomplete.slice(0, Math.max(0, incomplete.length - maxIncompleteCalls)))
      complete(call);
    completeCalls = calls.length - Math.min(incomplete.length, maxIncompleteCalls);
    nextCleanupAt = calls.length + streamsPerCleanup;
  };

  server.on('session', (session) => {
    // grpc-js listens first: it answers on the stream at once and must find it open.
    session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: unknown) => {
        if (stream.closed || stream.destroyed) return resets.add(session, limits.resetsPerInstantCancel);
        if (completeCalls >= maxStreams) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
        calls.push({ stream, session, isComplete: false, since: sweeps });
        if (sizeOf(rawHeaders as readonly string[]) > maxHeaderBytes) {
          refuse(stream, 'metadata-too-long');
          resets.add(session, limits.resetsPerOversizedHeaders);
        }
        if (calls.length >= nextCleanupAt) cleanUp();
      },
    );
  });

  const timer = setInterval(() => {
    sweeps += 1;
    resets.clear();
    cleanUp();
    for (const call of calls) {
      const { stream, isComplete, since } = call;
      const isStalled = !isComplete || stream.closed || (stream.headersSent && stream.writableLength > 0);
      if (!isStalled) call.since = sweeps;
      else if (sweeps - since <= stalledSweeps) continue;
      else if (isComplete) stream.session?.destroy();
      else complete(call);
    }
  }, limits.sweepIntervalMs).unref();
  server.once('close', () => clearInterval(timer));
}

/**
 * Removes the listeners of grpc-js from an ended stream: the call that they hold is three fifths of the stream's memory. V8 may keep the
 * stream itself until a full collection: Node keeps a session's streams in a `Map` that gets a new table every few calls, and once a full
 * collection has met one of these tables, each keeps the next one alive with all that was in it.
 */
function detach(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) stream.removeAllListeners('data').removeAllListeners('end');
}

function sizeOf(rawHeaders: readonly string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size;
}
