import type { Socket } from 'node:net';

/** The connections of a server over which HTTP/1.1 is spoken. */
export interface Connections {
  add(socket: Socket): void;
  /**
   * Reads nothing more in this turn of the event loop, so that what one connection has made is let go before the next one
   * makes as much.
   */
  holdForATurn(): void;
  /**
   * To be called when the server closes: lets go of connections that were made in advance, as browsers do, and never used, once
   * what has arrived is read. Before Node 26 these count as busy, and would be waited for.
   */
  dismissSilent(): void;
}

export function createConnections(): Connections {
  const sockets = new Set<Socket>();
  let isHolding = false;
  return {
    add(socket) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    },
    holdForATurn() {
      if (isHolding) return;
      isHolding = true;
      const held = [...sockets].filter((socket) => !socket.destroyed && !socket.isPaused());
      for (const socket of held) socket.pause();
      setTimeout(() => {
        isHolding = false;
        for (const socket of held) if (!socket.destroyed) socket.resume();
      }, 1);
    },
    dismissSilent() {
      setImmediate(() => {
        for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
      });
    },
  };
}
