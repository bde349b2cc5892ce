import type { Environment } from './environment.ts';
import { UsageError } from './usage-error.ts';

/** The addresses of a service with this environment, for clients on the same machine. */
export interface LocalService {
  readonly isOverTls: boolean;
  /** @throws {UsageError} if HOST or PORT is not valid. */
  httpUrl(): string;
  /** @throws {UsageError} if HOST or GRPC_PORT is not valid. */
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

/** Listen addresses that stand for all addresses, as the URL standard writes them. */
const wildcards = ['0.0.0.0', '[::]', '[::ffff:0:0]'];

function hostOf(env: Environment): string {
  const host = env('HOST') ?? 'localhost';
  const url = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}`;
  const hostname = URL.canParse(url) ? new URL(url).hostname : '';
  // Refuses a text that a URL would read as a port, a path or credentials.
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
