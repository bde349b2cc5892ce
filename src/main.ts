import './net/node-20/tick-shape.ts';
import { type Config, ConfigError, flushTimeoutMs, loadConfig } from './config/config.ts';
import { createFaults } from './resilience/faults.ts';
import { createReadiness } from './resilience/readiness.ts';
import { ListenError, type Service, startService } from './service.ts';
import { createLogs, type Logger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createTracing, type Tracing } from './telemetry/tracing.ts';
import { version } from './version.ts';

/** Ctrl-C under npm reaches this process twice at once, from the terminal and from npm: that is one signal. */
const repeatWindowMs = 100;

async function main(): Promise<void> {
  const config = readConfig();
  const { logger, accessLog } = await createLogs(config);
  exitOnUncaught(logger);
  const readiness = createReadiness();
  const faults = createFaults();
  const metrics = createMetrics({ faults, readiness, version, revision: config.revision });
  const tracing = await createTracing(config, logger, version);
  const starting = startService({
    config,
    faults,
    readiness,
    telemetry: { accessLog, logger, metrics, tracing },
  });
  drainOnSignal(starting, { config, logger, tracing });
  const { urls } = await starting;
  const tls = config.tls ? ' over TLS' : '';
  logger.info(urls, `listening on ${urls.http}, gRPC on ${urls.grpc}${tls}, admin on ${urls.admin}`);
  logger.flush();
}

function readConfig(): Config {
  try {
    process.loadEnvFile();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new ConfigError([`.env: expected a file that can be read; ${message}`]);
  }
  return loadConfig(process.env);
}

/** The first signal drains and exits 0; a second one does not wait, and exits 1. */
function drainOnSignal(
  starting: Promise<Service>,
  { config, logger, tracing }: { config: Config; logger: Logger; tracing: Tracing },
): void {
  let firstAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    if (firstAt !== undefined) {
      if (performance.now() - firstAt < repeatWindowMs) return;
      logger.warn({ signal }, 'second signal: leaving at once');
      process.exit(1);
    }
    firstAt = performance.now();
    const { drainDelayMs, shutdownTimeoutMs } = config;
    logger.info({ signal, drainDelayMs, shutdownTimeoutMs }, 'draining; a second signal leaves at once');
    logger.flush();
    const deadline = setTimeout(
      () => fail(logger, new Error('The drain did not end in time')),
      hardLimitMs(config),
    );
    deadline.unref();
    starting
      .then((service) => service.drain())
      // Last of all, so that the last request's span is among what is sent.
      .then(() => tracing.shutdown(flushTimeoutMs / 2))
      .then(() => {
        logger.info('drained');
        process.exit(0);
      })
      .catch((error: unknown) => fail(logger, error));
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}

/** Longer than a drain whose requests all hang, and shorter than the orchestrator's patience: the configuration sees to it. */
function hardLimitMs({ drainDelayMs, shutdownTimeoutMs }: Config): number {
  return drainDelayMs + shutdownTimeoutMs + flushTimeoutMs;
}

/** After an error that nobody caught the state is unknown: it is logged, and the orchestrator starts a fresh process. */
function exitOnUncaught(logger: Logger): void {
  process.on('uncaughtException', (error) => fail(logger, error));
  process.on('unhandledRejection', (reason) => fail(logger, reason));
}

function fail(logger: Logger, error: unknown): never {
  logger.fatal({ err: error }, 'leaving after an unexpected error');
  process.exit(1);
}

main().catch((error: unknown) => {
  if (!(error instanceof ConfigError || error instanceof ListenError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});
