/** The other end of a connection. */
export interface Peer {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

interface Call {
  getPeer(): string;
  readonly call?: { getConnectionInfo?(): { remoteAddress?: string; remotePort?: number } };
}

/**
 * The other end of a call's connection. grpc-js reads it once for each call, and keeps it in a private field. Its public `getPeer()` reads
 * the socket again, which costs more and fails after the client has left, and it joins the address and the port.
 */
export function peerOf(call: { getPeer(): string }): Peer {
  const info = (call as Call).call?.getConnectionInfo?.();
  if (info !== undefined) return { address: info.remoteAddress, port: info.remotePort };
  const [, address, port] = /^(.*):(\d+)$/.exec(call.getPeer()) ?? [];
  return { address, port: port === undefined ? undefined : Number(port) };
}
