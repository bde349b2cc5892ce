import { isIPv4, isIPv6 } from 'node:net';
import { describe, withoutSecrets } from './option-checks.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** The port of a gRPC target without one. */
const defaultPort = 443;

/**
 * Reads a gRPC target (https://github.com/grpc/grpc/blob/master/doc/naming.md). grpc-js itself accepts almost any text as a host name, and
 * tries to resolve it until the deadline.
 *
 * @returns the endpoints that it names; none for a Unix socket or xDS.
 * @throws {TypeError} that says what was expected and what was found.
 */
export function readTarget(address: unknown): readonly Endpoint[] {
  const [, scheme = 'dns', path = ''] =
    /^(?:(dns|ipv4|ipv6|unix|unix-abstract|xds):)?(.+)$/s.exec(typeof address === 'string' ? address : '') ??
    [];
  if ((scheme.startsWith('unix') || scheme === 'xds') && path) return [];
  const list = scheme === 'dns' ? [path.replace(/^\/\/[^/]*\//, '')] : path.split(',');
  return list.map((entry) => {
    const endpoint = readEndpoint(entry);
    const isOfScheme =
      scheme === 'dns' || (scheme === 'ipv4' ? isIPv4(endpoint?.host ?? '') : isIPv6(endpoint?.host ?? ''));
    if (endpoint && isOfScheme) return endpoint;
    const shown = describe(typeof address === 'string' ? withoutSecrets(address) : address);
    const hint = /^\w+:\/\/./.test(String(address)) ? ', without a scheme such as http://' : '';
    throw new TypeError(`address: expected a gRPC target such as localhost:50051${hint}, got ${shown}`);
  });
}

function readEndpoint(text: string): Endpoint | undefined {
  if (isIPv6(text)) return { host: text, port: defaultPort };
  const [, bracketed, name, digits] =
    /^(?:\[([^\]\s]+)\]|([^\s:/[\]@?#,]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return bracketed === undefined || isIPv6(bracketed) ? { host, port } : undefined;
}
