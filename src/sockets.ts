import type { Server, Socket } from 'node:net';

/** How often sockets are looked at, in milliseconds. */
const intervalMs = 1_000;
/** How often one may be found ended by this side and not by the other: with all sent, and with some left of which nothing leaves. */
const patience = { sent: 2, stuck: 10 };

interface Farewell {
  /** How often in a row it was found ended, and nothing had left since. */
  found: number;
  /** Bytes that had left for the other side. */
  sent: number;
}

/**
 * Keeps count of a server's sockets, also of those still in the middle of a TLS handshake: neither HTTP nor gRPC knows of them
 * before its end, and a server is closed only when they are. Those that this side has ended are let go of even if the other
 * side never ends them: the end of an HTTP/2 session waits for that, and would for ever.
 *
 * @returns what cuts them all.
 */
export function trackSockets(server: Server): () => void {
  const sockets = new Map<Socket, Farewell>();
  const add = (socket: Socket) => {
    sockets.set(socket, { found: 0, sent: 0 });
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', add);
  // Of a server over TLS: the session ends this one, which takes the one below with it.
  server.on('secureConnection', add);

  const timer = setInterval(() => {
    for (const [socket, farewell] of sockets) {
      if (!socket.writableEnded) continue;
      const sent = socket.bytesWritten - socket.writableLength;
      farewell.found = sent === farewell.sent ? farewell.found + 1 : 0;
      farewell.sent = sent;
      if (farewell.found > (socket.writableFinished ? patience.sent : patience.stuck)) socket.destroy();
    }
  }, intervalMs).unref();
  server.once('close', () => clearInterval(timer));

  return () => {
    for (const socket of sockets.keys()) socket.destroy();
  };
}
