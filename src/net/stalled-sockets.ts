import type { Server, Socket } from 'node:net';

/** How often one may be found with nothing having left since: with something left to send, and with all sent and ended. */
const patience = { stuck: 10, ended: 2 };

interface Progress {
  /** Bytes that had left for the other side. */
  sent: number;
  /** How often in a row nothing had left, though it was waited for. */
  found: number;
}

/**
 * Keeps count of a server's sockets, also of those still in the middle of a TLS handshake: neither HTTP nor gRPC knows of them
 * before its end, and a server is closed only when they are. Lets go of those whose other side does not do its part, for which
 * Node waits for ever: takes no piece of what it asked for (64 kB of a file) in ten seconds, or has all that this side sent before
 * it ended, and does not end within three, as the end of an HTTP/2 session waits for. One timer for all of them, as one for each
 * would be set again at each request.
 *
 * @param intervalMs how often they are looked at: a tenth of the ten seconds.
 * @returns what cuts them all.
 */
export function watchSockets(server: Server, intervalMs = 1_000): () => void {
  const sockets = new Map<Socket, Progress>();
  const add = (socket: Socket) => {
    sockets.set(socket, { sent: 0, found: 0 });
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', add);
  // Of a server over TLS: the session ends this one, which takes the one below with it.
  server.on('secureConnection', add);

  const timer = setInterval(() => {
    for (const [socket, progress] of sockets) {
      const sent = socket.bytesWritten - socket.writableLength;
      const isAwaited = socket.writableEnded || socket.writableLength > 0;
      progress.found = isAwaited && sent === progress.sent ? progress.found + 1 : 0;
      progress.sent = sent;
      if (progress.found > (socket.writableFinished ? patience.ended : patience.stuck)) socket.destroy();
    }
  }, intervalMs).unref();
  server.once('close', () => clearInterval(timer));

  return () => {
    for (const socket of sockets.keys()) socket.destroy();
  };
}
