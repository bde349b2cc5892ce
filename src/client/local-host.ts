import { BlockList, isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
// As the target of a connection, the unspecified address is this machine.
loopback.addAddress('0.0.0.0', 'ipv4');
loopback.addAddress('::', 'ipv6');

/** True if the host, a name or an address, is this machine. Calls to it use no proxy. */
export function isLocalHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|(%.*)?\]$|%.*$|\.$/g, '');
  const family = isIP(name);
  if (family === 0) return /(^|\.)localhost$/.test(name) || name === hostname().toLowerCase();
  return loopback.check(name, family === 4 ? 'ipv4' : 'ipv6') || ownAddresses().includes(name);
}

function ownAddresses(): readonly string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.map(({ address }) => address),
    );
  } catch {
    // The system does not list its addresses: only loopback addresses are recognised.
    return [];
  }
}
