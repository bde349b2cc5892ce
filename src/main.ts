import './net/node-20/tick-shape.ts';
import { type Config, ConfigError, flushTimeoutMs, loadConfig } from './config/config.ts';
import { operations, servedNames } from './operations.ts';
import { createFaults } from './resilience/faults.ts';
import { createReadiness } from './resilience/readiness.ts';
import { ListenError, type Service, startService } from './service.ts';
import { version } from './shipped-files.ts';
import { createLogs, type Logger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createRecorder } from './telemetry/recorder.ts';
import type { Tracing } from './telemetry/spans.ts';
import { createTracing } from './telemetry/tracing.ts';

/** Ctrl-C under npm delivers the signal twice at once, from the terminal and from npm. Within this time they count as one. */
const repeatWindowMs = 100;

async function main(): Promise<void> {
  const config = readConfig();
  const { logger, accessLog } = await createLogs(config);
  exitOnUncaught(logger);
  for (const { found, meant } of config.misspellings)
    logger.warn({ found, meant }, `the environment variable ${found} has no effect; did you mean ${meant}?`);
  const readiness = createReadiness();
  const faults = createFaults();
  const metrics = createMetrics({ faults, readiness, version, revision: config.revision });
  const recorder = createRecorder(metrics, accessLog, servedNames(operations));
  const tracing = await createTracing(config, logger, version);
  const starting = startService({
    config,
    faults,
    operations,
    readiness,
    telemetry: { logger, metrics, recorder, tracing },
  });
  drainOnSignal(starting, { config, logger, tracing });
  const { urls } = await starting;
  const tls = config.tls ? ' over TLS' : '';
  logger.info(
    { ...urls, ...metrics.build },
    `listening on ${urls.http}, gRPC on ${urls.grpc}${tls}, admin on ${urls.admin}`,
  );
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

/** The first signal drains and exits 0. A second one exits 1 at once. */
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
      // Last, so that the span of the last request is sent too.
      .then(() => tracing.shutdown(flushTimeoutMs / 2))
      .then(() => {
        logger.info('drained');
        process.exit(0);
      })
      .catch((error: unknown) => fail(logger, error));
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
}

/** Longer than a drain in which every request hangs. The configuration checks that it is shorter than the orchestrator's grace period. */
function hardLimitMs({ drainDelayMs, shutdownTimeoutMs }: Config): number {
  return drainDelayMs + shutdownTimeoutMs + flushTimeoutMs;
}

/** After an uncaught error the state is unknown. It is logged, and the orchestrator starts a new process. */
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
