import type { Server, Socket } from 'node:net';

/** How often connections are looked at, in milliseconds, and how often in a row one may be found stuck. */
const intervalMs = 2_000;
const patience = 5;

interface Progress {
  /** Bytes that had left for the other side. */
  sent: number;
  /** How often in a row nothing had left, though there was something to send. */
  stuck: number;
}

export interface Connections {
  /** Watches a connection from its beginning. */
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

/**
 * Cuts connections whose other side takes nothing for ten seconds of what it asked for: Node waits for ever, and keeps what is
 * to be sent. One timer for all of them, as one for each would be set again at each request.
 */
export function watchConnections(server: Server): Connections {
  const connections = new Map<Socket, Progress>();
  const timer = setInterval(() => {
    for (const [socket, progress] of connections) {
      const sent = socket.bytesWritten - socket.writableLength;
      progress.stuck = socket.writableLength > 0 && sent === progress.sent ? progress.stuck + 1 : 0;
      progress.sent = sent;
      if (progress.stuck >= patience) socket.destroy();
    }
  }, intervalMs).unref();
  server.once('close', () => clearInterval(timer));

  let isHolding = false;
  return {
    add(socket) {
      connections.set(socket, { sent: 0, stuck: 0 });
      socket.once('close', () => connections.delete(socket));
    },
    holdForATurn() {
      if (isHolding) return;
      isHolding = true;
      const held = [...connections.keys()].filter((socket) => !socket.destroyed && !socket.isPaused());
      for (const socket of held) socket.pause();
      setTimeout(() => {
        isHolding = false;
        for (const socket of held) if (!socket.destroyed) socket.resume();
      }, 1);
    },
    dismissSilent() {
      setImmediate(() => {
        for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy();
      });
    },
  };
}
