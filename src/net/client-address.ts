import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';

/**
 * The client's address: the peer of the connection or, if that is a trusted proxy, the last address of `X-Forwarded-For` that is not a
 * trusted proxy. Anything before it may be forged.
 */
export type AddressOf = (peer: string | undefined, forwardedFor: string | undefined) => string;

/** The same for a limit: an IPv6 client is its /64. One customer gets at least that, and may use any address in it (RFC 7421). */
export type ClientOf = AddressOf;

/** One rule for all transports. Fastify's `trustProxy` is made of the same parts. */
export function createAddressOf(trustedProxies: readonly string[]): AddressOf {
  if (trustedProxies.length === 0) return (peer = '') => peer;
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return function addressOf(peer = '', forwardedFor) {
    const request = { headers: { 'x-forwarded-for': forwardedFor }, socket: { remoteAddress: peer } };
    const addresses = proxyAddr.all(request as unknown as IncomingMessage, isTrusted);
    // No trusted proxy writes what is not an address. The client is then the last known address.
    return addresses.findLast((address) => isIP(address) !== 0) ?? peer;
  };
}

export function createClientOf(trustedProxies: readonly string[]): ClientOf {
  const addressOf = createAddressOf(trustedProxies);
  return (peer, forwardedFor) => networkOf(addressOf(peer, forwardedFor));
}

/** An IPv4-mapped IPv6 address: sockets that listen for both versions report these (RFC 4291, section 2.5.5.2). */
const mappedAddress = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An IPv4 address without the prefix that makes it one of IPv6. Any other address as it is. */
export function plainAddress(address: string): string {
  return mappedAddress.exec(address)?.[1] ?? address;
}

/** An IPv4 address as it is, or the /64 of an IPv6 address, in one spelling. */
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
