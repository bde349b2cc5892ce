import { isIPv6 } from 'node:net';

const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/;
const registeredName = /^(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})+$/i;
const futureAddress = /^v[\da-f]+\.[\w.~!$&'()*+,;=:-]+$/i;

/**
 * True for `uri-host [ ":" port ]` (RFC 9110, section 7.2, and RFC 3986, section 3.2), and for an empty value, which stands for a target
 * without an authority (RFC 9112, section 3.2).
 */
export function isHost(value: string): boolean {
  if (value === '') return true;
  const [, host, port = ''] = parts.exec(value) ?? [];
  if (host === undefined || Number(port) > 65_535) return false;
  if (!host.startsWith('[')) return registeredName.test(host);
  const address = host.slice(1, -1);
  return (isIPv6(address) && !address.includes('%')) || futureAddress.test(address);
}

/** The host without its port, in lower case; an IPv6 address without brackets. */
export function hostNameOf(value: string): string {
  return (parts.exec(value)?.[1] ?? value).replace(/^\[|\]$/g, '').toLowerCase();
}

/** True for a name or an address of this machine's loopback interface (RFC 6761, section 6.3). */
export function isLoopback(hostName: string): boolean {
  return (
    /^(?:.+\.)?localhost\.?$/.test(hostName) ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostName) ||
    /^(?:0*:)*:?0*1$/.test(hostName) ||
    /^::ffff:127\./.test(hostName)
  );
}
