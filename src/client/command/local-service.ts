import type { Environment } from './environment.ts';
import { UsageError } from './usage-error.ts';

/** Where a service with this environment can be reached from its own machine. */
export interface LocalService {
  readonly isOverTls: boolean;
  /** @throws {UsageError} where the environment does not say it. */
  httpUrl(): string;
  /** @throws {UsageError} where the environment does not say it. */
  grpcTarget(): string;
}

export function findLocalService(env: Environment): LocalService {
  const isOverTls = env('TLS_CERT_FILE') !== undefined;
  return {
    isOverTls,
    httpUrl: () => `${isOverTls ? 'https' : 'http'}://${hostOf(env)}:${portOf(env, 'PORT', '8080')}`,
    grpcTarget: () => `${hostOf(env)}:${portOf(env, 'GRPC_PORT', '50051')}`,
  };
}

/** Addresses to listen on that mean all addresses, as the URL standard writes them. */
const wildcards = ['0.0.0.0', '[::]', '[::ffff:0:0]'];

function hostOf(env: Environment): string {
  const host = env('HOST') ?? 'localhost';
  const url = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}`;
  const hostname = URL.canParse(url) ? new URL(url).hostname : '';
  // What a URL would take for a port, a path or credentials is no host.
  if (hostname === '' || /[\s/?#@]/.test(host))
    throw new UsageError(`HOST: expected a host name or an address, got ${JSON.stringify(host)}`);
  return wildcards.includes(hostname) ? 'localhost' : hostname;
}

function portOf(env: Environment, name: 'PORT' | 'GRPC_PORT', byDefault: string): string {
  const port = env(name) ?? byDefault;
  if (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) <= 65_535) return String(Number(port));
  const option = name === 'PORT' ? '--url' : '--address';
  throw new UsageError(
    `${name}: expected a port from 1 to 65535, got ${JSON.stringify(port)}; or give ${option}`,
  );
}
