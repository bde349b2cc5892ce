import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Limits } from '../limits.ts';
import { closeGracefully } from './goaway.ts';
import { countResets } from './resets.ts';

export interface StreamLimits {
  /** Called for each request. @returns whether it is to be served. */
  admit(stream: ServerHttp2Stream): boolean;
  /** Sends GOAWAY on every connection, and closes each as soon as its requests are answered. */
  close(): void;
  /** Destroys every connection. */
  closeNow(): void;
}

interface StreamLimitOptions {
  readonly limits: Limits;
  readonly keepAliveTimeoutMs: number;
}

interface Connection {
  openStreams: number;
  hasServed: boolean;
  idleSince: number;
}

/**
 * Limits what Node does not limit over HTTP/2: idle connections, responses that the client does not read, resets, and the number of
 * requests on all connections.
 */
export function limitStreams(
  server: Http2Server,
  { limits, keepAliveTimeoutMs }: StreamLimitOptions,
): StreamLimits {
  const { firstRequestTimeoutMs, goawayGraceMs, stalledSweeps, sweepIntervalMs } = limits;
  const connections = new Map<Http2Session, Connection>();
  /** In order of arrival, with the number of sweeps in a row in which the response did not move. */
  const streams = new Map<ServerHttp2Stream, { stalled: number }>();
  const resets = countResets(limits);
  let isClosing = false;

  server.on('session', (session) => {
    connections.set(session, { openStreams: 0, hasServed: false, idleSince: performance.now() });
    session.once('close', () => connections.delete(session));
    if (isClosing) closeGracefully(session, goawayGraceMs);
  });

  const track = (stream: ServerHttp2Stream, session: Http2Session, connection: Connection) => {
    streams.set(stream, { stalled: 0 });
    connection.openStreams += 1;
    connection.hasServed = true;
    stream.once('close', () => {
      streams.delete(stream);
      connection.openStreams -= 1;
      connection.idleSince = performance.now();
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) resets.add(session, 1);
    });
  };

  const checkStream = (stream: ServerHttp2Stream, state: { stalled: number }) => {
    if (!isWaiting(stream)) {
      state.stalled = 0;
      // The rest of the request is of no use (RFC 9113, section 8.1). After a response without a body Node waits for it.
      if (isAnswered(stream)) stream.close(constants.NGHTTP2_NO_ERROR);
      return;
    }
    if (state.stalled === 0) stream.once('drain', () => Object.assign(state, { stalled: 0 }));
    state.stalled += 1;
    // Other streams of the connection go on, unless the client does not even read the reset.
    if (state.stalled === stalledSweeps) stream.close(constants.NGHTTP2_CANCEL);
    else if (state.stalled > stalledSweeps + 1) stream.session?.destroy();
  };
  const checkConnection = (session: Http2Session, connection: Connection) => {
    if (connection.openStreams > 0) return;
    const idleMs = performance.now() - connection.idleSince;
    const allowedMs = connection.hasServed ? keepAliveTimeoutMs || Infinity : firstRequestTimeoutMs;
    if (idleMs > allowedMs + 2 * sweepIntervalMs) session.destroy();
    else if (idleMs > allowedMs) closeGracefully(session, goawayGraceMs);
  };
  const timer = setInterval(() => {
    resets.clear();
    for (const [stream, state] of streams) checkStream(stream, state);
    for (const [session, connection] of connections) checkConnection(session, connection);
    if (isClosing && connections.size === 0) clearInterval(timer);
  }, sweepIntervalMs).unref();

  return {
    admit(stream) {
      const { session } = stream;
      const connection = session && connections.get(session);
      if (!session || !connection) return false;
      if (stream.closed || stream.destroyed) {
        resets.add(session, limits.resetsPerInstantCancel);
        return false;
      }
      if (streams.size >= limits.maxStreams) {
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
        return false;
      }
      if (streams.size >= limits.maxStalledResponses) cancelOldest(streams.keys(), limits);
      track(stream, session, connection);
      return true;
    },
    close() {
      isClosing = true;
      for (const session of connections.keys()) closeGracefully(session, goawayGraceMs);
    },
    closeNow() {
      for (const session of connections.keys()) session.destroy();
    },
  };
}

/** Cancels the oldest stream whose client is slow to read. */
function cancelOldest(streams: Iterable<ServerHttp2Stream>, { maxSearched }: Limits): void {
  let searched = 0;
  for (const stream of streams) {
    if (isWaiting(stream) || isAnswered(stream)) return void stream.destroy();
    searched += 1;
    if (searched === maxSearched) return;
  }
}

/** The response, or a reset, waits for the client to read it. */
function isWaiting(stream: ServerHttp2Stream): boolean {
  return stream.closed || (stream.headersSent && stream.writableLength > 0);
}

function isAnswered(stream: ServerHttp2Stream): boolean {
  return stream.headersSent && stream.writableFinished;
}
