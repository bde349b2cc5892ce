import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';

/**
 * Who is calling, as far as addresses tell: the peer of the connection or, where that is a trusted proxy, the last address of
 * `X-Forwarded-For` that no trusted proxy has. What stands before it is whatever its sender liked to write. An IPv6 client is
 * its /64, because that is what one customer gets at least, and a host in it may choose the other half at will (RFC 7421).
 */
export type ClientOf = (peer: string | undefined, forwardedFor: string | undefined) => string;

/** The same for all transports; what Fastify makes of `trustProxy` is made of the same parts. */
export function createClientOf(trustedProxies: readonly string[]): ClientOf {
  if (trustedProxies.length === 0) return (peer = '') => networkOf(peer);
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return function clientOf(peer = '', forwardedFor) {
    const request = { headers: { 'x-forwarded-for': forwardedFor }, socket: { remoteAddress: peer } };
    const way = proxyAddr.all(request as unknown as IncomingMessage, isTrusted);
    // What is no address was written by nobody who could be trusted: the client is then the last one that is known.
    return networkOf(way.findLast((address) => isIP(address) !== 0) ?? peer);
  };
}

// IPv4 in IPv6's clothes, as sockets tell it that listen for both (RFC 4291, section 2.5.5.2).
const mappedAddress = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An IPv4 address as it is, and the /64 of an IPv6 address, in one spelling each. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const mapped = mappedAddress.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array<number>(8 - before.length - after.length).fill(0);
  const network = [...before, ...zeros, ...after].slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => (group.includes('.') ? [0, 0] : [Number.parseInt(group, 16)]));
}
