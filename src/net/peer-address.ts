import type { Duplex } from 'node:stream';

const address = Symbol('peer address');
type Connection = Duplex & { readonly remoteAddress?: string | undefined; [address]?: string | undefined };

/** Stores the peer's address on the connection. Node looks it up each time, and loses it when the connection ends. */
export function keepPeerAddress(socket: Connection): void {
  socket[address] = socket.remoteAddress;
}

export function peerAddress(socket: Connection): string | undefined {
  return socket[address] ?? socket.remoteAddress;
}
