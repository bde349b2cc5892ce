import { createHttpClient } from '../http-node.ts';
import { isLocalHost } from '../local-host.ts';
import type { CommandOptions } from './command-line.ts';
import type { LocalService } from './local-service.ts';
import { createNodeFetch } from './node-fetch.ts';
import { readAuthorities, verifiesCertificate } from './pem-files.ts';
import type { Inject, Transport } from './transport.ts';
import { UsageError } from './usage-error.ts';

/** @throws {UsageError} for a file or an option that is not valid. @throws {TypeError} for options that the client refuses. */
export function openHttp(
  { target, cacert, timeoutMs }: CommandOptions,
  local: LocalService | undefined,
  inject: Inject,
): Transport {
  const url = local?.httpUrl() ?? target ?? '';
  if (cacert !== undefined && /^http:/i.test(url))
    throw new UsageError('--cacert has no effect without TLS: give a --url with https');
  const ca = readAuthorities(cacert);
  const { protocol = '', hostname = '', port } = URL.canParse(url) ? new URL(url) : {};
  const useProxy = !local && !isLocalHost(hostname);
  const fetch = createNodeFetch({ useProxy, ca, rejectUnauthorized: verifiesCertificate(local, ca) });
  const client = createHttpClient({ url, timeoutMs, inject, fetch });
  const isOverTls = protocol === 'https:';
  return {
    greet: (name) => client.greet(name),
    async health() {
      const { status } = await client.readiness();
      return { ready: status === 'ready', status };
    },
    close() {},
    attempt: {
      protocol: 'HTTP',
      endpoint: { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (isOverTls ? 443 : 80) },
      isOverTls,
      ca,
    },
  };
}
