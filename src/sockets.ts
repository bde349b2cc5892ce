import type { Server, Socket } from 'node:net';

/**
 * Keeps count of a server's sockets, also of those still in the middle of a TLS handshake: neither HTTP nor gRPC knows of them
 * before its end, and a server is closed only when they are.
 *
 * @returns what cuts them all.
 */
export function trackSockets(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}
