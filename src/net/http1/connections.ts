import type { Socket } from 'node:net';

/** The open connections of a server. */
export function trackConnections() {
  const sockets = new Set<Socket>();
  let isPaused = false;
  return {
    sockets: sockets as ReadonlySet<Socket>,
    add(socket: Socket): void {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    },
    /**
     * Stops reading from all connections until the next turn of the event loop. V8 can then free the objects of one connection before
     * the next one creates as many.
     */
    pauseForOneTurn(): void {
      if (isPaused) return;
      isPaused = true;
      const paused = [...sockets].filter((socket) => !socket.destroyed && !socket.isPaused());
      for (const socket of paused) socket.pause();
      setTimeout(() => {
        isPaused = false;
        for (const socket of paused) if (!socket.destroyed) socket.resume();
      }, 1);
    },
  };
}
