import type { Server, Socket } from 'node:net';
import type { Limits } from './limits.ts';

interface Progress {
  /** Bytes handed to the kernel at the last sweep. */
  sent: number;
  /** Sweeps in a row without write progress. */
  stalled: number;
}

/**
 * Destroys a socket that makes no write progress for `stalledSweeps`, or that this side has ended and the peer does not close within
 * `endedSweeps`. Node would wait for ever. This includes sockets in a TLS handshake, which HTTP and gRPC do not see; a server is closed
 * only once all of its sockets are.
 *
 * @returns a function that destroys all sockets.
 */
export function watchSockets(
  server: Server,
  { sweepIntervalMs, stalledSweeps, endedSweeps }: Limits,
): () => void {
  const sockets = new Map<Socket, Progress>();
  const add = (socket: Socket) => {
    sockets.set(socket, { sent: 0, stalled: 0 });
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', add);
  // A server over TLS ends this socket, which ends the TCP socket below it.
  server.on('secureConnection', add);

  const timer = setInterval(() => {
    for (const [socket, progress] of sockets) {
      const sent = socket.bytesWritten - socket.writableLength;
      const isWaiting = socket.writableEnded || socket.writableLength > 0;
      progress.stalled = isWaiting && sent === progress.sent ? progress.stalled + 1 : 0;
      progress.sent = sent;
      if (progress.stalled > (socket.writableFinished ? endedSweeps : stalledSweeps)) socket.destroy();
    }
  }, sweepIntervalMs).unref();
  server.once('close', () => clearInterval(timer));

  return () => {
    for (const socket of sockets.keys()) socket.destroy();
  };
}
