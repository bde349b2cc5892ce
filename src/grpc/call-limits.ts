import { type Http2Server, constants, type ServerHttp2Stream } from 'node:http2';
import { type Server, status } from '@grpc/grpc-js';

/** Open connections on one address; more are closed as they come. An idle one costs about 30 kB. */
const maxConnections = 1_024;
/** Calls on all connections whose requests have not arrived in full: one more, and the oldest of them is given up. */
const maxArriving = 512;
/** Calls on all connections whose requests have: one more is refused, in a way that clients try elsewhere. */
const maxArrived = 4_096;
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
  // Oldest first, with the sweep in which each was found waiting first.
  const arriving = new Map<ServerHttp2Stream, number>();
  const arrived = new Map<ServerHttp2Stream, number>();
  let sweeps = 0;

  /** Moves on those whose request has arrived. */
  const settle = (stream: ServerHttp2Stream): boolean => {
    if (!stream.readableEnded) return false;
    arriving.delete(stream);
    arrived.set(stream, sweeps);
    return true;
  };
  const giveUpOldest = () => {
    for (const [stream] of arriving) if (!settle(stream)) return giveUp(stream);
  };
  function forget(this: ServerHttp2Stream): void {
    if (!arriving.delete(this)) arrived.delete(this);
  }

  // After the library, which answers on the stream at once and must find it open.
  server.on('stream', (stream: ServerHttp2Stream, _headers: unknown, _flags: number, rawHeaders: unknown) => {
    if (stream.closed || stream.destroyed) return;
    if (arrived.size >= maxArrived) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    if (sizeOf(rawHeaders as readonly string[]) > maxHeaderSize)
      return refuse(stream, status.RESOURCE_EXHAUSTED, `Metadata must have at most ${maxHeaderSize} bytes.`);
    arriving.set(stream, sweeps);
    stream.once('close', forget);
    if (arriving.size > maxArriving) giveUpOldest();
  });

  const timer = setInterval(() => {
    sweeps += 1;
    for (const [stream, since] of arriving) {
      if (sweeps - since <= patience) break;
      if (settle(stream)) continue;
      // Given up before, and still there: what was said does not get through.
      if (stream.closed) stream.session?.destroy();
      else giveUp(stream);
    }
    for (const [stream, since] of arrived) {
      const isStuck = stream.headersSent && stream.writableLength > 0;
      if (!isStuck) arrived.set(stream, sweeps);
      else if (sweeps - since > patience) stream.session?.destroy();
    }
  }, sweepIntervalMs).unref();
  server.once('close', () => clearInterval(timer));
}

function giveUp(stream: ServerHttp2Stream): void {
  refuse(stream, status.DEADLINE_EXCEEDED, 'The request did not arrive in time.');
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
