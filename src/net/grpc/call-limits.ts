import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { headerSize } from '../http2/header-size.ts';
import { isUnread, OpenStreams } from '../http2/open-streams.ts';
import type { Limits } from '../limits.ts';
import { type CallEvents, CallStream } from './call-stream.ts';
import { type AnswerCallRefusal, type CallRefusal, type CallRefusalCode, refuseCall } from './refusal.ts';
import { headerRefusal } from './request-headers.ts';

export interface CallLimitOptions {
  readonly limits: Limits;
  readonly isTls: boolean;
  /** The paths of all methods. */
  readonly methods: ReadonlySet<string>;
  readonly answerRefusal: AnswerCallRefusal;
}

/** nghttp2's error for a connection that does not begin as HTTP/2 does. */
const badClientMagic = -903;

/**
 * Refuses calls that are not gRPC's before grpc-js gets them. Limits what grpc-js does not limit: the number of connections and of calls,
 * and the time in which a client must send its request and read the response.
 */
export function limitCalls(
  server: Http2Server,
  { limits, isTls, methods, answerRefusal }: CallLimitOptions,
): void {
  server.maxConnections = isTls ? limits.maxTlsConnections : limits.maxGrpcConnections;
  const calls = new OpenStreams<CallStream>(limits);
  let completeCalls = 0;

  const refusalOf = ({ session, headers }: CallStream, code: CallRefusalCode): CallRefusal => {
    return { code, headers, peer: session?.socket.remoteAddress };
  };
  /** From now on the call waits until its client has read the response. */
  const complete = (call: CallStream): void => {
    if (call.isComplete) return;
    call.isComplete = true;
    call.stalled = 0;
    completeCalls += 1;
  };
  const giveUp = (call: CallStream): void => {
    complete(call);
    call.refuse('request-incomplete');
  };
  const giveUpOldest = (): void => {
    for (const call of calls) if (!call.isComplete) return void giveUp(call);
  };
  const events: CallEvents = {
    onRequestEnd: complete,
    onClosed(call) {
      if (call.isComplete) completeCalls -= 1;
    },
    refuse: (call, code) => refuseCall(call.stream, refusalOf(call, code), answerRefusal),
    answer: (call, code) => answerRefusal(refusalOf(call, code)),
  };

  const grpcListeners = server.listeners('stream');
  const serve = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: readonly string[],
  ): void => {
    const session = stream.session as ServerHttp2Session;
    const admission = calls.admit(stream, session, completeCalls);
    if (admission === 'too-many')
      answerRefusal({ code: 'too-many-calls', headers, peer: session.socket.remoteAddress });
    if (admission !== 'served') return;
    const call = new CallStream(stream, headers, events);
    calls.add(call, session);
    const isOversized = headerSize(rawHeaders) > limits.maxHeaderBytes;
    const refusal = isOversized ? 'metadata-too-long' : headerRefusal(headers, methods);
    if (refusal === undefined) {
      for (const listener of grpcListeners) listener.call(server, call, headers, flags, rawHeaders);
    } else {
      call.refuse(refusal);
      if (isOversized) calls.resets.add(session, limits.resetsPerOversizedHeaders);
    }
    if (calls.size - completeCalls > limits.maxIncompleteCalls) giveUpOldest();
  };
  server.removeAllListeners('stream').on('stream', serve);

  server.on('sessionError', ({ errno }: NodeJS.ErrnoException) => {
    if (errno === badClientMagic) answerRefusal({ code: 'not-http2', headers: {}, peer: undefined });
  });
  const timer = setInterval(() => {
    calls.sweep();
    for (const call of calls) {
      call.stalled = !call.isComplete || isUnread(call.stream) ? call.stalled + 1 : 0;
      if (call.stalled <= limits.stalledSweeps) continue;
      if (call.isComplete) call.session?.destroy();
      else giveUp(call);
    }
  }, limits.sweepIntervalMs).unref();
  server.once('close', () => clearInterval(timer));
}
