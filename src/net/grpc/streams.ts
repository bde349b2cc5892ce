import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { countResets, resetsPerFeint } from '../http2/resets.ts';

/** Open connections on one address; more are closed as they come. An idle one costs about 30 kB. */
const maxConnections = 1_024;
/** The same over TLS, where an idle one costs about 80 kB. */
const maxSecureConnections = 384;
/** Calls on all connections whose requests have not arrived in full: one more, and the oldest of them is given up. */
const maxArriving = 512;
/** Calls on all connections whose requests have: one more is refused, in a way that clients try elsewhere. */
const maxArrived = 4_096;
/** How many resets a call with too large headers stands for: HPACK lets it be sent in a hundredth of its size. */
const resetsPerBomb = 50;
/** Request headers, in bytes, as over HTTP: the calls of a connection keep theirs until they end. */
const maxHeaderSize = 8_192;
/** How often calls are looked at, in milliseconds, and how often a call may be found waiting for its caller. */
const sweepIntervalMs = 1_000;
const patience = 10;
/** How many calls begin between two looks at which of them have ended: so many may the limits above be exceeded by. */
const batchSize = 32;

interface Call {
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  hasArrived: boolean;
  /** The sweep since which it has been waiting for its caller. */
  since: number;
}

/**
 * What the library does not limit: connections, and the time a caller takes to send its request and to take the answer. Calls
 * are kept in a list, and those that have ended are struck off it now and then: a listener and a timer for each would cost a
 * call an eighth of its price.
 */
export function limitCalls(server: Http2Server, isSecure: boolean): void {
  server.maxConnections = isSecure ? maxSecureConnections : maxConnections;
  const resets = countResets();
  // Oldest first.
  let calls: Call[] = [];
  let arrived = 0;
  let nextLookAt = batchSize;
  let sweeps = 0;

  /** Whether the request has arrived, or the call is given up; either way it waits for its answer to leave from now on. */
  const moveOn = (call: Call): void => {
    call.hasArrived = true;
    call.since = sweeps;
    if (!call.stream.readableEnded)
      refuse(call.stream, status.DEADLINE_EXCEEDED, 'The request did not arrive in time.');
  };
  const lookAtCalls = (): void => {
    for (const { stream, session } of calls) {
      if (!stream.destroyed) continue;
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) resets.add(session, 1);
      letGo(stream);
    }
    calls = calls.filter(({ stream }) => !stream.destroyed);
    for (const call of calls) if (!call.hasArrived && call.stream.readableEnded) moveOn(call);
    const arriving = calls.filter(({ hasArrived }) => !hasArrived);
    for (const call of arriving.slice(0, Math.max(0, arriving.length - maxArriving))) moveOn(call);
    arrived = calls.length - Math.min(arriving.length, maxArriving);
    nextLookAt = calls.length + batchSize;
  };

  server.on('session', (session) => {
    // After the library, which answers on the stream at once and must find it open.
    session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: unknown) => {
        if (stream.closed || stream.destroyed) return resets.add(session, resetsPerFeint);
        if (arrived >= maxArrived) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
        calls.push({ stream, session, hasArrived: false, since: sweeps });
        if (sizeOf(rawHeaders as readonly string[]) > maxHeaderSize) {
          refuse(stream, status.RESOURCE_EXHAUSTED, `Metadata must have at most ${maxHeaderSize} bytes.`);
          resets.add(session, resetsPerBomb);
        }
        if (calls.length >= nextLookAt) lookAtCalls();
      },
    );
  });

  const timer = setInterval(() => {
    sweeps += 1;
    resets.startAnew();
    lookAtCalls();
    for (const call of calls) {
      const { stream, hasArrived, since } = call;
      const isStuck = !hasArrived || stream.closed || (stream.headersSent && stream.writableLength > 0);
      if (!isStuck) call.since = sweeps;
      else if (sweeps - since <= patience) continue;
      else if (hasArrived) stream.session?.destroy();
      else moveOn(call);
    }
  }, sweepIntervalMs).unref();
  server.once('close', () => clearInterval(timer));
}

/**
 * Parts a stream that has ended from the call that was made of it, which nobody needs any more and which is three fifths of what the
 * stream holds. V8 may keep the stream until a full collection, copying it twice before: the `Map` in which Node has a session's
 * streams gets a new table every few calls, and once a full collection has met one of these tables, each keeps the next one and
 * all that was in it.
 */
function letGo(stream: ServerHttp2Stream): void {
  if (stream.readableEnded) stream.removeAllListeners('data').removeAllListeners('end');
}

/** Answers a call whose handler has not begun. */
function refuse(stream: ServerHttp2Stream, code: status, message: string): void {
  if (!stream.headersSent && !stream.closed && !stream.destroyed) {
    const trailers = {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': code,
      'grpc-message': message,
    };
    stream.respond(trailers, { endStream: true });
  }
  // The answer is complete, so the rest of the request is of no use (RFC 9113, section 8.1).
  stream.close(constants.NGHTTP2_NO_ERROR);
}

function sizeOf(rawHeaders: readonly string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size;
}
