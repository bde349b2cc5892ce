import type { Server, Socket } from 'node:net';

/** How often sockets are looked at, in milliseconds. */
const intervalMs = 1_000;
/** How often one may be found ended by this side and not by the other: with all that was sent taken, and with some of it left. */
const patience = { taken: 2, untaken: 10 };

/**
 * Keeps count of a server's sockets, also of those still in the middle of a TLS handshake: neither HTTP nor gRPC knows of them
 * before its end, and a server is closed only when they are. Those that this side has ended are let go of even if the other
 * side never ends them: the end of an HTTP/2 session waits for that, and would for ever.
 *
 * @returns what cuts them all.
 */
export function trackSockets(server: Server): () => void {
  const sockets = new Map<Socket, number>();
  const add = (socket: Socket) => {
    sockets.set(socket, 0);
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', add);
  // Of a server over TLS: the session ends this one, which takes the one below with it.
  server.on('secureConnection', add);

  const timer = setInterval(() => {
    for (const [socket, found] of sockets) {
      if (!socket.writableEnded) continue;
      if (found >= (socket.writableFinished ? patience.taken : patience.untaken)) socket.destroy();
      else sockets.set(socket, found + 1);
    }
  }, intervalMs).unref();
  server.once('close', () => clearInterval(timer));

  return () => {
    for (const socket of sockets.keys()) socket.destroy();
  };
}
