import { constants, type Http2Server, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import { dismiss } from './goaway.ts';
import { countResets, resetsPerFeint } from './resets.ts';

/** How often all is looked at, in milliseconds, and how often in a row an answer may be found waiting for its caller. */
const intervalMs = 1_000;
const patience = 10;
/** How long a connection may take to its first request, in milliseconds, as over HTTP/1.1. */
const firstRequestTimeoutMs = 5_000;
/** Requests on all connections; one more is refused, in a way that lets its caller try again. */
const maxStreams = 4_096;
/** When there are more than this, an old answer that waits for its caller is given up for each new one: it may hold 128 kB. */
const maxWaiting = 256;
/** Of the oldest, how many are asked for that. */
const maxAsked = 16;

export interface Http2Limits {
  /** Told of each request: whether it is to be served. */
  admit(stream: ServerHttp2Stream): boolean;
  /** Asks every caller to leave, and closes each connection as soon as what was asked on it is answered. */
  close(): void;
  /** Cuts every connection. */
  closeNow(): void;
}

interface Connection {
  open: number;
  hasServed: boolean;
  idleSince: number;
}

/**
 * What Node does not limit over HTTP/2: connections on which nothing is asked, callers who take nothing of an answer for ten
 * seconds, who ask and take back, and all requests together. One timer for all, as one for each would cost more.
 */
export function limitHttp2(server: Http2Server, keepAliveTimeoutMs: number): Http2Limits {
  const connections = new Map<Http2Session, Connection>();
  // Oldest first, with how often in a row the answer was found waiting.
  const streams = new Map<ServerHttp2Stream, { waits: number }>();
  const resets = countResets();
  let isClosing = false;

  server.on('session', (session) => {
    connections.set(session, { open: 0, hasServed: false, idleSince: performance.now() });
    session.once('close', () => connections.delete(session));
    if (isClosing) dismiss(session);
  });

  const follow = (stream: ServerHttp2Stream, session: Http2Session, connection: Connection) => {
    streams.set(stream, { waits: 0 });
    connection.open += 1;
    connection.hasServed = true;
    stream.once('close', () => {
      streams.delete(stream);
      connection.open -= 1;
      connection.idleSince = performance.now();
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) resets.add(session, 1);
    });
  };

  const lookAtStream = (stream: ServerHttp2Stream, state: { waits: number }) => {
    if (!isWaiting(stream)) {
      state.waits = 0;
      // The rest of its request is of no use (RFC 9113, section 8.1); Node waits for it after an answer without a body.
      if (isAnswered(stream)) stream.close(constants.NGHTTP2_NO_ERROR);
      return;
    }
    if (state.waits === 0) stream.once('drain', () => Object.assign(state, { waits: 0 }));
    state.waits += 1;
    // The others of its connection go on, unless the connection does not even take the news.
    if (state.waits === patience) stream.close(constants.NGHTTP2_CANCEL);
    else if (state.waits > patience + 1) stream.session?.destroy();
  };
  const lookAtConnection = (session: Http2Session, connection: Connection) => {
    if (connection.open > 0) return;
    const idleMs = performance.now() - connection.idleSince;
    const allowedMs = connection.hasServed ? keepAliveTimeoutMs || Infinity : firstRequestTimeoutMs;
    if (idleMs > allowedMs + 2 * intervalMs) session.destroy();
    else if (idleMs > allowedMs) dismiss(session);
  };
  const timer = setInterval(() => {
    resets.startAnew();
    for (const [stream, state] of streams) lookAtStream(stream, state);
    for (const [session, connection] of connections) lookAtConnection(session, connection);
    if (isClosing && connections.size === 0) clearInterval(timer);
  }, intervalMs).unref();

  return {
    admit(stream) {
      const { session } = stream;
      const connection = session && connections.get(session);
      if (!session || !connection) return false;
      if (stream.closed || stream.destroyed) {
        resets.add(session, resetsPerFeint);
        return false;
      }
      if (streams.size >= maxStreams) {
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
        return false;
      }
      if (streams.size >= maxWaiting) giveUpOldest(streams.keys());
      follow(stream, session, connection);
      return true;
    },
    close() {
      isClosing = true;
      for (const session of connections.keys()) dismiss(session);
    },
    closeNow() {
      for (const session of connections.keys()) session.destroy();
    },
  };
}

function giveUpOldest(streams: Iterable<ServerHttp2Stream>): void {
  let asked = 0;
  for (const stream of streams) {
    if (isWaiting(stream) || isAnswered(stream)) return void stream.destroy();
    asked += 1;
    if (asked === maxAsked) return;
  }
}

function isWaiting(stream: ServerHttp2Stream): boolean {
  return stream.closed || (stream.headersSent && stream.writableLength > 0);
}

function isAnswered(stream: ServerHttp2Stream): boolean {
  return stream.headersSent && stream.writableFinished;
}
