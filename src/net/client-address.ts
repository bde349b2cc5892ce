import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import ipaddr from 'ipaddr.js';

/**
 * The client's address: the peer of the connection or, if that is a trusted proxy, the last address of `X-Forwarded-For` that is not a
 * trusted proxy. Anything before it may be forged. `Forwarded` (RFC 7239) is not read.
 */
export type AddressOf = (peer: string | undefined, forwardedFor: string | undefined) => string;

/**
 * The same for the rate limit: an IPv6 client counts as its /64, because one customer has at least that and may use any address in it (RFC
 * 7421).
 */
export type ClientOf = AddressOf;

/** The same rule for all transports. Fastify's `trustProxy` uses the same library. */
export function createAddressOf(trustedProxies: readonly string[]): AddressOf {
  if (trustedProxies.length === 0) return (peer = '') => peer;
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  return function addressOf(peer = '', forwardedFor) {
    const headers = { 'x-forwarded-for': forwardedFor?.split(',').map(withoutPort).join(',') };
    const request = { headers, socket: { remoteAddress: peer } };
    const addresses = proxyAddr.all(request as unknown as IncomingMessage, isTrusted);
    // No trusted proxy writes an entry that is not an address. The client is then the last address found.
    return addresses.findLast((address) => isIP(address) !== 0) ?? peer;
  };
}

export function createClientOf(trustedProxies: readonly string[]): ClientOf {
  const addressOf = createAddressOf(trustedProxies);
  return (peer, forwardedFor) => networkOf(addressOf(peer, forwardedFor));
}

/** Removes the IPv6 prefix from a mapped IPv4 address. Returns any other address unchanged. */
export function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** Some proxies write the client's port too: `203.0.113.1:5000`, `[2001:db8::1]:443`. */
function withoutPort(entry: string): string {
  const [, bracketed, plain] = /^\s*"?(?:\[([^\]]*)\]|([^:\s"]*))(?::\d+)?"?\s*$/.exec(entry) ?? [];
  return bracketed ?? plain ?? entry;
}

/** The IPv4 address, also if it is mapped to IPv6 (RFC 4291, section 2.5.5.2), or the /64 of an IPv6 address in one spelling. */
export function networkOf(address: string): string {
  // Only an IPv6 address has a colon.
  if (!address.includes(':') || isIP(address) !== 6) return address;
  // The URL parser writes a dotted end as two groups. ipaddr.js would take `::192.0.2.7` for a mapped address.
  const { hostname } = new URL(`http://[${address.split('%', 1)[0]}]`);
  const parsed = ipaddr.IPv6.parse(hostname.slice(1, -1));
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString();
  const network = parsed.parts.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
