import type { Config } from './config/config.ts';
import { drain } from './drain.ts';
import { openGrpcServer } from './grpc/server.ts';
import { buildAdminApp } from './http/admin.ts';
import { buildApp } from './http/app.ts';
import { createCors } from './http/cors.ts';
import type { App } from './http/instance.ts';
import { createRefusalAnswer } from './http/refusals.ts';
import { defaultLimits, type Limits } from './net/limits.ts';
import { openListener } from './net/listener.ts';
import type { AnswerRefusal } from './net/refusal.ts';
import type { Certificates } from './net/tls/certificates.ts';
import type { Operation } from './operations.ts';
import type { Faults } from './resilience/faults.ts';
import { protect, watchOverload } from './resilience/overload.ts';
import { createRateLimit } from './resilience/rate-limit.ts';
import type { Readiness } from './resilience/readiness.ts';
import { createHandshakeReporter, exportCertificates, openCertificates } from './telemetry/certificates.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface Service {
  /** The address of each listener. */
  readonly urls: { readonly http: string; readonly grpc: string; readonly admin: string };
  /** Ends the service without losing a request; see `drain.ts`. The delay is the configured one unless another is given. */
  drain(drainDelayMs?: number): Promise<void>;
}

export interface ServiceOptions {
  readonly config: Config;
  readonly faults: Faults;
  readonly limits?: Limits;
  readonly operations: readonly Operation[];
  readonly readiness: Readiness;
  readonly telemetry: Telemetry;
}

/** A listener could not be opened. The message is for the person who chose its address. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * Starts the listeners, and becomes ready when all of them accept.
 *
 * @throws {ListenError} if an address cannot be used; listeners that were opened before it are closed again.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, faults, limits = defaultLimits, readiness, telemetry } = options;
  const { host, keepAliveTimeoutMs } = config;
  const { logger } = telemetry;
  const overload = watchOverload(config.maxEventLoopDelayMs);
  const rateLimit = createRateLimit(config);
  const operations = options.operations.map((operation) => ({
    ...operation,
    call: protect(operation.call, { overload, faults }),
  }));
  const [app, adminApp, certificates] = await Promise.all([
    buildApp({ config, operations, rateLimit, readiness, telemetry }),
    buildAdminApp({ config, faults, telemetry }),
    config.tls && openCertificates(config.tls, logger, limits.certificateIntervalMs),
  ]);
  if (certificates) exportCertificates(telemetry.metrics, certificates);
  await Promise.all([app.ready(), adminApp.ready()]);

  const stop = async () => {
    overload.stop();
    certificates?.stop();
    await Promise.all([app.close(), adminApp.close()]);
  };
  // All of these are closed again if the next one cannot be opened.
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
      await stop();
      throw new ListenError(explain(error, { host, port, variable }), { cause: error });
    }
  };
  const reporterOf = createHandshakeReporter(telemetry, certificates !== undefined);
  const listen = (
    port: number,
    { routing: handler }: App,
    answerRefusal: AnswerRefusal,
    secured?: Certificates,
  ) =>
    openListener({
      host,
      port,
      handler,
      certificates: secured,
      keepAliveTimeoutMs,
      limits,
      answerRefusal,
      reportHandshakeFailure: reporterOf('http'),
    });
  const admin = await open(
    'ADMIN_PORT',
    config.adminPort,
    listen(config.adminPort, adminApp, createRefusalAnswer(telemetry)),
  );
  const grpc = await open(
    'GRPC_PORT',
    config.grpcPort,
    openGrpcServer({
      certificates,
      config,
      limits,
      operations,
      rateLimit,
      readiness,
      reportHandshakeFailure: reporterOf('grpc'),
      telemetry,
    }),
  );
  const http = await open(
    'PORT',
    config.port,
    listen(config.port, app, createRefusalAnswer(telemetry, createCors(config)), certificates),
  );
  readiness.become('ready');

  return {
    urls: { http: http.url, grpc: grpc.address, admin: admin.url },
    drain: (drainDelayMs = config.drainDelayMs) =>
      drain({
        config: { ...config, drainDelayMs },
        logger,
        readiness,
        listeners: [http, grpc],
        admin,
        stop,
      }),
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
      return `Cannot listen on ${host}:${port}: the port is already in use. Stop the program that uses it, or set ${variable} to another port (0 = any free one).`;
    case 'EACCES':
      return `Cannot listen on ${host}:${port}: not permitted. Set ${variable} to a port above 1023.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `Cannot listen on ${host}: this machine does not have this address. Set HOST to one that it has, such as localhost or 0.0.0.0.`;
    default:
      return `Cannot listen on ${host}:${port} (${variable}): ${error instanceof Error ? error.message : String(error)}`;
  }
}
