import { createGrpcClient } from '../grpc.ts';
import { readTarget } from '../grpc-target.ts';
import type { CommandOptions } from './command-line.ts';
import type { LocalService } from './local-service.ts';
import { readAuthorities, readPemFile, verifiesCertificate } from './pem-files.ts';
import type { Inject, Transport } from './transport.ts';

/** @throws {UsageError} for a file that cannot be read. @throws {TypeError} for options that the client refuses. */
export function openGrpc(
  { target, isTls, cacert, cert, key, timeoutMs }: CommandOptions,
  local: LocalService | undefined,
  inject: Inject,
): Transport {
  const address = local?.grpcTarget() ?? target ?? '';
  const ca = readAuthorities(cacert);
  const files = { ca, cert: readPemFile('cert', cert), key: readPemFile('key', key) };
  const isOverTls = isTls || local?.isOverTls || ca !== undefined || files.cert !== undefined;
  const client = createGrpcClient({
    address,
    timeoutMs,
    inject,
    ...(isOverTls && { tls: { ...files, rejectUnauthorized: verifiesCertificate(local, ca) } }),
    ...(local && { useProxy: false }),
  });
  return {
    greet: (name) => client.greet(name),
    async health() {
      const status = await client.health();
      return { ready: status === 'SERVING', status };
    },
    close: () => client.close(),
    attempt: { protocol: 'gRPC', endpoint: readTarget(address)[0], isOverTls, ...files },
  };
}
