import type { Http2Server } from 'node:http2';
import { Server, ServerCredentials, setLogger, type UntypedServiceImplementation } from '@grpc/grpc-js';
import type { Config } from '../config/config.ts';
import { greetService } from '../contract/greet-service.ts';
import type { GreetOperation } from '../greeting/greeting.ts';
import { bindAll } from '../net/bind.ts';
import { TlsCredentials } from '../net/grpc/credentials.ts';
import { keepAlive } from '../net/grpc/keepalive.ts';
import { limitCalls } from '../net/grpc/streams.ts';
import { watchSockets } from '../net/stalled-sockets.ts';
import type { Certificates } from '../net/tls/certificates.ts';
import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Readiness } from '../resilience/readiness.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { createGreetMethod } from './greet.ts';
import { createHealth } from './health.ts';
import { sparedMalformed } from './malformed.ts';
import { createAdmit } from './rate-limit.ts';
import { addReflection } from './reflection.ts';
import { handleUnary } from './unary.ts';

/** How long sockets are left open for the last words, when calls are cut, in milliseconds. */
const farewellMs = 100;

export interface GrpcServerOptions {
  /** With them over TLS, and with client certificates where they name who signs those; without, in clear text. */
  readonly certificates?: Certificates | undefined;
  readonly config: Pick<Config, 'host' | 'grpcPort' | 'grpc'>;
  readonly greet: GreetOperation;
  readonly rateLimit?: RateLimit | undefined;
  readonly readiness: Readiness;
  readonly telemetry: Telemetry;
}

export interface GrpcServer {
  readonly port: number;
  /** Where it can be reached from this machine, as a gRPC target. */
  readonly address: string;
  /** Ends the watchers, stops accepting, tells clients to go elsewhere, and resolves when the calls in flight have ended. */
  close(): Promise<void>;
  /** Cuts every call that is left; their clients see CANCELLED. */
  closeNow(): void;
}

/**
 * Serves the greeting, health and reflection over gRPC, on every address that the host has.
 *
 * @throws the system's error, such as EADDRINUSE, with nothing left listening.
 */
export async function openGrpcServer({
  certificates,
  config,
  greet,
  rateLimit,
  readiness,
  telemetry,
}: GrpcServerOptions): Promise<GrpcServer> {
  const { host, grpc: limits } = config;
  // The library's own remarks would go to standard error, past the log.
  const remark = (...words: unknown[]) => telemetry.logger.debug({ remark: words.join(' ') }, 'gRPC library');
  setLogger({ error: remark, info: remark, debug: remark });
  const server = new Server({
    'grpc.max_receive_message_length': limits.maxMessageBytes,
    'grpc.max_concurrent_streams': limits.maxConcurrentStreams,
    'grpc.max_connection_idle_ms': limits.maxConnectionIdleMs,
    'grpc.max_connection_age_ms': limits.maxConnectionAgeMs,
    'grpc.max_connection_age_grace_ms': limits.maxConnectionAgeGraceMs,
    // Bookkeeping for a debugging service that is not offered here; without it a call costs a fifth less.
    'grpc.enable_channelz': 0,
  });
  const health = createHealth(readiness);
  const admit = rateLimit && createAdmit(rateLimit);
  server.addService(greetService, { Greet: handleUnary(createGreetMethod(greet), telemetry, admit) });
  server.addService(
    ...sparedMalformed(health.definition, health.implementation as UntypedServiceImplementation),
  );
  addReflection(server, telemetry.logger);

  const credentials = certificates ? new TlsCredentials(certificates) : ServerCredentials.createInsecure();
  let port = config.grpcPort;
  try {
    await bindAll(host, async (address) => {
      port = await bind(server, credentials, address, port);
    });
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
  const servers = http2ServersOf(server);
  for (const http2Server of servers) {
    limitCalls(http2Server, certificates !== undefined);
    keepAlive(http2Server, limits);
  }
  const cuts = servers.map((http2Server) => watchSockets(http2Server));
  return {
    port,
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    close() {
      health.close();
      return new Promise((resolve) => server.tryShutdown(() => resolve()));
    },
    closeNow() {
      server.forceShutdown();
      // Not before the calls' clients have been told.
      for (const cut of cuts) setTimeout(cut, farewellMs);
    },
  };
}

/** The library keeps its servers to itself; it has no other door to their sockets and streams. */
function http2ServersOf(server: Server): readonly Http2Server[] {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  if (!http2Servers?.size) throw new Error('This version of @grpc/grpc-js keeps its servers elsewhere');
  return [...http2Servers.keys()];
}

function bind(
  server: Server,
  credentials: ServerCredentials,
  address: string,
  port: number,
): Promise<number> {
  const target = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, bound) => {
      if (!error) return resolve(bound);
      // grpc-js tells the system's code only in its words.
      const code = /\b(E[A-Z]{4,})\b/.exec(error.message)?.[1];
      reject(Object.assign(error, code && { code }));
    });
  });
}
