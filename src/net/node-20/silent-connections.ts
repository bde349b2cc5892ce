import type { Socket } from 'node:net';

/**
 * Destroys connections on which nothing has arrived, after pending data is read. Browsers open such connections in advance. Before
 * Node 26 a closing server waits for them as if a request were in progress; delete this file when 26 is the oldest Node supported.
 */
export function destroySilentConnections(sockets: Iterable<Socket>): void {
  setImmediate(() => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  });
}
