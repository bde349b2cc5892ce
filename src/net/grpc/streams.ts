import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { countResets } from '../http2/resets.ts';
import type { Limits } from '../limits.ts';
import { checkFrames } from './framing.ts';
import { replaceLibraryStatus } from './library-status.ts';
import { type AnswerCallRefusal, type CallRefusal, type CallRefusalCode, refuseCall } from './refusal.ts';
import { headerRefusal } from './request-headers.ts';

export interface CallLimitOptions {
  readonly limits: Limits;
  readonly isTls: boolean;
  /** The paths of all methods. */
  readonly methods: ReadonlySet<string>;
  readonly answerRefusal: AnswerCallRefusal;
}

interface Call {
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  isComplete: boolean;
  /** The sweep since which it waits for its client. */
  since: number;
}

/** nghttp2's error for a connection that does not begin as HTTP/2 does. */
const badClientMagic = -903;

const headersKey = Symbol('request headers');
type CallStream = ServerHttp2Stream & { [headersKey]?: IncomingHttpHeaders | undefined };

/**
 * Stands between Node and grpc-js: refuses calls that are not gRPC's, and limits what grpc-js does not limit: connections, and how long a
 * client takes to send its request and to read the response. The calls are kept in a list from which ended ones are removed in batches: a
 * listener and a timer for each call would cost an eighth of a call.
 */
export function limitCalls(
  server: Http2Server,
  { limits, isTls, methods, answerRefusal }: CallLimitOptions,
): void {
  const { maxHeaderBytes, maxIncompleteCalls, maxStreams, stalledSweeps, streamsPerCleanup } = limits;
  server.maxConnections = isTls ? limits.maxTlsConnections : limits.maxGrpcConnections;
  const resets = countResets(limits);
  // In order of arrival.
  let calls: Call[] = [];
  let completeCalls = 0;
  let nextCleanupAt = streamsPerCleanup;
  let sweeps = 0;

  const headersOf = (stream: CallStream): IncomingHttpHeaders => stream[headersKey] ?? {};
  const refusalOf = (stream: ServerHttp2Stream, code: CallRefusalCode): CallRefusal => {
    const peer = stream.session?.socket.remoteAddress;
    return { code, headers: headersOf(stream), peer };
  };
  const refuse = (stream: ServerHttp2Stream, code: CallRefusalCode): void =>
    refuseCall(stream, refusalOf(stream, code), answerRefusal);
  const checkFrame = checkFrames(
    (stream) => (headersOf(stream)['grpc-encoding'] ?? 'identity') !== 'identity',
    refuse,
  );
  const watchStatus = replaceLibraryStatus((stream, code) => answerRefusal(refusalOf(stream, code)));
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

  const grpcListeners = server.listeners('stream');
  const serve = (
    stream: CallStream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: readonly string[],
  ): void => {
    const session = stream.session as ServerHttp2Session;
    if (stream.closed || stream.destroyed) {
      stream.on('error', ignore);
      resets.add(session, limits.resetsPerInstantCancel);
      return;
    }
    if (completeCalls >= maxStreams) {
      answerRefusal({ code: 'too-many-calls', headers, peer: session.socket.remoteAddress });
      stream.on('error', ignore).close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    stream[headersKey] = headers;
    calls.push({ stream, session, isComplete: false, since: sweeps });
    const isOversized = sizeOf(rawHeaders) > maxHeaderBytes;
    const refusal = isOversized ? 'metadata-too-long' : headerRefusal(headers, methods);
    if (refusal === undefined) {
      watchStatus(stream);
      for (const listener of grpcListeners) listener.call(server, stream, headers, flags, rawHeaders);
      stream.on('data', checkFrame);
    } else {
      stream.on('error', ignore);
      refuse(stream, refusal);
      if (isOversized) resets.add(session, limits.resetsPerOversizedHeaders);
    }
    if (calls.length >= nextCleanupAt) cleanUp();
  };
  server.removeAllListeners('stream').on('stream', serve);

  server.on('sessionError', ({ errno }: NodeJS.ErrnoException) => {
    if (errno === badClientMagic) answerRefusal({ code: 'not-http2', headers: {}, peer: undefined });
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
function detach(stream: CallStream): void {
  stream[headersKey] = undefined;
  // Node's own listener would be told of each removal, which costs more than the removal.
  stream.removeAllListeners('removeListener');
  if (stream.readableEnded) stream.removeAllListeners('data').removeAllListeners('end');
}

/** The stream's end says enough. An error without a listener would end the process. */
function ignore(): void {}

function sizeOf(rawHeaders: readonly string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size;
}
