import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import { greet } from './greeting/greeting.ts';
import { openGrpcServer } from './grpc/server.ts';
import { buildAdminApp } from './http/admin.ts';
import { buildApp } from './http/app.ts';
import type { App } from './http/instance.ts';
import { observeRefusal } from './http/observe.ts';
import { openListener } from './net/listener.ts';
import { type Certificates, watchCertificates } from './net/tls/certificates.ts';
import type { Faults } from './resilience/faults.ts';
import { watchOverload } from './resilience/overload.ts';
import { createRateLimit } from './resilience/rate-limit.ts';
import type { Readiness } from './resilience/readiness.ts';
import { countDown } from './telemetry/metrics.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface Service {
  /** Where each listener can be reached. */
  readonly urls: { readonly http: string; readonly grpc: string; readonly admin: string };
  /** Ends the service without losing a request that a balancer sends it; resolves within the drain delay and the shutdown timeout. */
  drain(): Promise<void>;
}

export interface ServiceOptions {
  readonly config: Config;
  readonly faults: Faults;
  readonly readiness: Readiness;
  readonly telemetry: Telemetry;
}

/** A listener that could not be opened, told to the person who chose its address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Starts the listeners, and says it is ready when all of them accept.
 *
 * @throws {ListenError} when an address cannot be had; what had been opened is closed again.
 */
export async function startService({
  config,
  faults,
  readiness,
  telemetry,
}: ServiceOptions): Promise<Service> {
  const { host, keepAliveTimeoutMs } = config;
  const { logger } = telemetry;
  const overload = watchOverload(config.maxEventLoopDelayMs);
  const rateLimit = createRateLimit(config);
  const operation = overload.protect(faults.rehearse(greet));
  const [app, adminApp, certificates] = await Promise.all([
    buildApp({ config, greet: operation, rateLimit, readiness, telemetry }),
    buildAdminApp({ faults, telemetry }),
    config.tls && watchCertificates(config.tls, logger),
  ]);
  if (certificates) countDown(telemetry.metrics, () => new Date(certificates.current.leaf.validTo));
  await Promise.all([app.ready(), adminApp.ready()]);

  // Each is closed again when one that follows cannot be opened.
  const opened: Closable[] = [];
  const open = async <Opened extends Closable>(
    variable: string,
    port: number,
    opening: Promise<Opened>,
  ): Promise<Opened> => {
    try {
      const listener = await opening;
      opened.push(listener);
      return listener;
    } catch (error) {
      await Promise.all(opened.map((listener) => listener.close()));
      throw new ListenError(explain(error, { host, port, variable }), { cause: error });
    }
  };
  const listen = (port: number, { routing: handler }: App, secured?: Certificates) =>
    openListener({
      host,
      port,
      handler,
      certificates: secured,
      keepAliveTimeoutMs,
      onRefusal: (refusal) => observeRefusal(telemetry, refusal),
    });
  const admin = await open('ADMIN_PORT', config.adminPort, listen(config.adminPort, adminApp));
  const grpc = await open(
    'GRPC_PORT',
    config.grpcPort,
    openGrpcServer({ certificates, config, greet: operation, rateLimit, readiness, telemetry }),
  );
  const http = await open('PORT', config.port, listen(config.port, app, certificates));
  readiness.become('ready');

  return {
    urls: { http: http.url, grpc: grpc.address, admin: admin.url },
    async drain() {
      // Readiness falls: /readyz answers 503 and gRPC health NOT_SERVING, every HTTP answer closes its connection, and the
      // service goes on serving.
      readiness.become('draining');
      // The balancers notice, and send their requests elsewhere.
      await sleep(config.drainDelayMs);
      // Nobody new can connect; what is in flight is answered, until the timeout cuts what is left.
      const timer = setTimeout(() => {
        logger.warn(
          { shutdownTimeoutMs: config.shutdownTimeoutMs },
          'cutting requests that did not end in time',
        );
        http.closeNow();
        grpc.closeNow();
      }, config.shutdownTimeoutMs);
      await Promise.all([http.close(), grpc.close()]);
      clearTimeout(timer);
      // Last the operators' port, so that the drain itself could be watched.
      admin.closeNow();
      overload.stop();
      certificates?.stop();
      await Promise.all([admin.close(), app.close(), adminApp.close()]);
    },
  };
}

interface Closable {
  close(): Promise<void>;
}

function explain(
  error: unknown,
  { host, port, variable }: { host: string; port: number; variable: string },
): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'EADDRINUSE':
      return `Cannot listen on ${host}:${port}: another program does. Stop it, or set ${variable} to another port (0 = any free one).`;
    case 'EACCES':
      return `Cannot listen on ${host}:${port}: not permitted. Set ${variable} to a port above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Cannot listen on ${host}: this machine has no such address. Set HOST to one it has (localhost, 0.0.0.0).`;
    default:
      return `Cannot listen on ${host}:${port} (${variable}): ${error instanceof Error ? error.message : String(error)}`;
  }
}
