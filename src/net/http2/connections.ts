import type { Http2Server, Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Limits } from '../limits.ts';
import { closeGracefully } from './goaway.ts';
import { OpenStreams } from './open-streams.ts';
import { cancelOldestUnread, closeIfStalled } from './stalled-streams.ts';

export interface ConnectionLimits {
  /** Call it for each request. @returns whether to serve it. */
  admit(stream: ServerHttp2Stream): boolean;
  /** Sends GOAWAY on every connection, and closes each as soon as its requests are answered. */
  close(): void;
  /** Destroys every connection. */
  closeNow(): void;
}

interface ConnectionLimitOptions {
  readonly limits: Limits;
  readonly keepAliveTimeoutMs: number;
}

interface Connection {
  openStreams: number;
  hasServed: boolean;
  idleSince: number;
}

/**
 * Closes idle connections, and applies the limits of their streams: Node limits neither the number of streams on all connections, nor
 * resets, nor responses that the client does not read.
 */
export function limitConnections(
  server: Http2Server,
  { limits, keepAliveTimeoutMs }: ConnectionLimitOptions,
): ConnectionLimits {
  const { firstRequestTimeoutMs, goawayGraceMs, sweepIntervalMs } = limits;
  const connections = new Map<Http2Session, Connection>();
  const streams = new OpenStreams(limits);
  let isClosing = false;

  server.on('session', (session) => {
    connections.set(session, { openStreams: 0, hasServed: false, idleSince: performance.now() });
    session.once('close', () => connections.delete(session));
    if (isClosing) closeGracefully(session, goawayGraceMs);
  });

  const closeIfIdle = (session: Http2Session, connection: Connection) => {
    if (connection.openStreams > 0) return;
    const idleMs = performance.now() - connection.idleSince;
    const allowedMs = connection.hasServed ? keepAliveTimeoutMs || Infinity : firstRequestTimeoutMs;
    if (idleMs > allowedMs + 2 * sweepIntervalMs) session.destroy();
    else if (idleMs > allowedMs) closeGracefully(session, goawayGraceMs);
  };
  const timer = setInterval(() => {
    streams.sweep();
    for (const entry of streams) closeIfStalled(entry, limits);
    for (const [session, connection] of connections) closeIfIdle(session, connection);
    if (isClosing && connections.size === 0) clearInterval(timer);
  }, sweepIntervalMs).unref();

  return {
    admit(stream) {
      const { session } = stream;
      const connection = session && connections.get(session);
      if (!session || !connection) return false;
      if (streams.admit(stream, session, streams.size) !== 'served') return false;
      if (streams.size >= limits.maxStalledResponses) cancelOldestUnread(streams, limits);
      connection.openStreams += 1;
      connection.hasServed = true;
      streams.add(
        {
          stream,
          stalled: 0,
          onClosed() {
            connection.openStreams -= 1;
            connection.idleSince = performance.now();
          },
        },
        session,
      );
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
