import { constants, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type Server, status } from '@grpc/grpc-js';

/** Open connections on one address; more are closed as they come. An idle one costs about 30 kB. */
const maxConnections = 1_024;
/** Calls on all connections whose requests have not arrived in full: one more, and the oldest of them is given up. */
const maxArriving = 512;
/** Calls on all connections whose requests have: one more is refused, in a way that clients try elsewhere. */
const maxArrived = 4_096;
/** Calls of a connection that its caller resets within a second; nghttp2 gives the connection up after some more, but keeps it. */
const maxResets = 500;
/** Request headers, in bytes, as over HTTP: the calls of a connection keep theirs until they end. */
const maxHeaderSize = 8_192;
/** How often calls are looked at, in milliseconds, and how often a call may be found waiting for its caller. */
const sweepIntervalMs = 1_000;
const patience = 10;

/**
 * What the library does not limit: connections, and the time a caller takes to send its request and to take the answer. One
 * timer for all calls, and a place in a map for each: a timer for each would cost more.
 */
export function limitCalls(server: Server): void {
  for (const http2Server of http2ServersOf(server)) {
    http2Server.maxConnections = maxConnections;
    limitCallsOf(http2Server);
  }
}

/** The library keeps its servers to itself; it has no other door to their sockets and streams. */
function http2ServersOf(server: Server): readonly Http2Server[] {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  if (!http2Servers?.size) throw new Error('This version of @grpc/grpc-js keeps its servers elsewhere');
  return [...http2Servers.keys()];
}

function limitCallsOf(server: Http2Server): void {
  // Oldest first, with the sweep since which each has been waiting for its caller.
  const arriving = new Map<ServerHttp2Stream, number>();
  const arrived = new Map<ServerHttp2Stream, number>();
  let sweeps = 0;

  /** Whether the request has arrived, or the call is given up; either way it waits for its answer to leave from now on. */
  const moveOn = (stream: ServerHttp2Stream, since: number): void => {
    arriving.delete(stream);
    arrived.set(stream, since);
    if (!stream.readableEnded)
      refuse(stream, status.DEADLINE_EXCEEDED, 'The request did not arrive in time.');
  };
  server.on('session', (session) => {
    let resets = 0;
    let countedIn = 0;
    const countReset = () => {
      resets = countedIn === sweeps ? resets + 1 : 1;
      countedIn = sweeps;
      if (resets > maxResets) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
    function forget(this: ServerHttp2Stream): void {
      if (!arriving.delete(this)) arrived.delete(this);
      if (this.rstCode !== constants.NGHTTP2_NO_ERROR) countReset();
    }
    // After the library, which answers on the stream at once and must find it open.
    session.on(
      'stream',
      (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: unknown) => {
        if (stream.closed || stream.destroyed) return countReset();
        if (arrived.size >= maxArrived) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
        arriving.set(stream, sweeps);
        stream.once('close', forget);
        if (sizeOf(rawHeaders as readonly string[]) > maxHeaderSize)
          refuse(stream, status.RESOURCE_EXHAUSTED, `Metadata must have at most ${maxHeaderSize} bytes.`);
        else if (arriving.size > maxArriving)
          moveOn(...(arriving.entries().next().value as [ServerHttp2Stream, number]));
      },
    );
  });

  const timer = setInterval(() => {
    sweeps += 1;
    for (const [stream, since] of arriving) {
      if (sweeps - since <= patience) break;
      moveOn(stream, since);
    }
    for (const [stream, since] of arrived) {
      const isStuck = stream.closed || (stream.headersSent && stream.writableLength > 0);
      if (!isStuck) arrived.set(stream, sweeps);
      else if (sweeps - since > patience) stream.session?.destroy();
    }
  }, sweepIntervalMs).unref();
  server.once('close', () => clearInterval(timer));
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
