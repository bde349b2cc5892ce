import './net/node-20/tick-shape.ts';
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { type Config, ConfigError, flushTimeoutMs, loadConfig } from './config/config.ts';
import { DotenvError, readDotenv } from './config/dotenv.ts';
import { operations, servedNames } from './operations.ts';
import { createFaults } from './resilience/faults.ts';
import { createReadiness } from './resilience/readiness.ts';
import { fatalSignals, stopSignals } from './resilience/signals.ts';
import { ListenError, type Service, type ServiceOptions, startService } from './service.ts';
import { version } from './shipped-files.ts';
import { writeError } from './telemetry/descriptor.ts';
import type { LogOutput } from './telemetry/log-output.ts';
import { createLogs, type Logger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createRecorder } from './telemetry/recorder.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { createTracing } from './telemetry/tracing.ts';

/** Ctrl-C under npm delivers the signal twice at once, from the terminal and from npm. Within this time they count as one. */
const repeatWindowMs = 100;

/** How long the process waits, after a signal, for a start that is not complete, in milliseconds. */
const startTimeoutMs = 1_000;

/** What a signal does. At first it ends the process, which does not serve any request yet. */
let stop = (_signal: NodeJS.Signals): void => process.exit(0);

/** The standard descriptors that are terminals. It is read at the start: a closed terminal is no longer one when its signal arrives. */
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
const isOnTerminal = terminals.includes(0);

async function main(): Promise<void> {
  for (const signal of stopSignals) process.on(signal, (received) => stop(received));
  // One turn of the event loop delivers a signal that arrived while the program was loaded.
  await new Promise((resolve) => setImmediate(resolve));
  process.on('exit', closeLostTerminals);
  const config = readConfig();
  const { logger, accessLog, output } = await createLogs(config);
  exitOnUncaught(logger);
  keepLogOnSignal(output);
  for (const { found, meant } of config.misspellings)
    logger.warn({ found, meant }, `the environment variable ${found} has no effect; did you mean ${meant}?`);
  const readiness = createReadiness();
  const faults = createFaults();
  const metrics = createMetrics({ faults, readiness, logOutput: output, version, revision: config.revision });
  const recorder = createRecorder(metrics, accessLog, servedNames(operations));
  const tracing = await createTracing(config, logger, version);
  const starting = startService({
    config,
    faults,
    operations,
    readiness,
    telemetry: { logger, metrics, recorder, tracing },
  });
  stop = drainOnSignal(starting, { config, logger, readiness, tracing });
  const { urls } = await starting;
  if (isatty(1) && logger.isLevelEnabled('info')) output.write(describeStart(urls, config));
  else logger.info({ ...urls, ...metrics.build }, listeningMessage(urls, config));
  logger.flush();
}

type Urls = Service['urls'];

const grpcOf = ({ grpc }: Urls, { tls }: Config) => grpc + (tls ? ' over TLS' : '');

function listeningMessage(urls: Urls, config: Config): string {
  return `listening on ${urls.http}, gRPC on ${grpcOf(urls, config)}, admin on ${urls.admin}`;
}

/** The text that a terminal shows instead of the log line. */
function describeStart(urls: Urls, config: Config): string {
  return `
greet ${version} is ready.

  HTTP   ${urls.http}/greet?name=Alice
  Docs   ${urls.http}/docs/
  gRPC   ${grpcOf(urls, config)}
  Admin  ${urls.admin}

Press Ctrl-C to stop.
`;
}

function readConfig(): Config {
  try {
    for (const [name, value] of Object.entries(readDotenv())) process.env[name] ??= value;
  } catch (error) {
    if (error instanceof DotenvError) throw new ConfigError(error.faults);
    throw error;
  }
  return loadConfig(process.env);
}

/** The first signal drains and exits 0. A second one exits 1 at once. */
function drainOnSignal(
  starting: Promise<Service>,
  {
    config,
    logger,
    readiness,
    tracing,
  }: Pick<ServiceOptions, 'config' | 'readiness'> & Pick<Telemetry, 'logger' | 'tracing'>,
): (signal: NodeJS.Signals) => void {
  let firstAt: number | undefined;
  return (signal) => {
    if (firstAt !== undefined) {
      // A closing terminal also sends SIGHUP, which does not count as a second signal.
      if (signal === 'SIGHUP' || performance.now() - firstAt < repeatWindowMs) return;
      logger.warn({ signal }, 'second signal: exiting at once');
      process.exit(1);
    }
    firstAt = performance.now();
    const { shutdownTimeoutMs } = config;
    const isStarting = readiness.state === 'starting';
    const drainDelayMs = isStarting || isByHand(signal) ? 0 : config.drainDelayMs;
    logger.info(
      { signal, drainDelayMs, shutdownTimeoutMs },
      'draining; a second signal ends the process at once',
    );
    logger.flush();
    // No client uses this replica yet, so the rest of its start is not waited for any longer.
    if (isStarting) setTimeout(() => process.exit(0), startTimeoutMs);
    const deadline = setTimeout(
      () => fail(logger, new Error('The drain did not end in time')),
      hardLimitMs(config),
    );
    deadline.unref();
    starting
      .then((service) => service.drain(drainDelayMs))
      // Last, so that the span of the last request is sent too.
      .then(() => tracing.shutdown(flushTimeoutMs / 2))
      .then(() => {
        logger.info('drained');
        process.exit(0);
      })
      .catch((error: unknown) => fail(logger, error));
  };
}

/** Whether a person at a terminal sent the signal. Then no balancer sends requests, unless a drain delay was configured. */
function isByHand(signal: NodeJS.Signals): boolean {
  return isOnTerminal && signal !== 'SIGTERM' && !process.env.DRAIN_DELAY_MS?.trim();
}

/** Node 20 resets its terminals when it exits, and aborts if one of them has been closed by then. */
function closeLostTerminals(): void {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
}

/** Longer than a drain in which every request hangs. The configuration checks that it is shorter than the orchestrator's grace period. */
function hardLimitMs({ drainDelayMs, shutdownTimeoutMs }: Config): number {
  return drainDelayMs + shutdownTimeoutMs + flushTimeoutMs;
}

/** A signal that ends the process without a drain costs no log lines. A signal that has another handler (`--report-on-signal`) is left to it. */
function keepLogOnSignal(output: LogOutput): void {
  for (const signal of fatalSignals.filter((name) => process.listenerCount(name) === 0))
    process.once(signal, () => {
      output.finish();
      process.kill(process.pid, signal);
    });
}

/** After an uncaught error the state is unknown. It is logged, and the orchestrator starts a new process. */
function exitOnUncaught(logger: Logger): void {
  process.on('uncaughtException', (error) => fail(logger, error));
  process.on('unhandledRejection', (reason) => fail(logger, reason));
}

function fail(logger: Logger, error: unknown): never {
  logger.fatal({ err: error }, 'exiting after an unexpected error');
  process.exit(1);
}

main().catch((error: unknown) => {
  if (!(error instanceof ConfigError || error instanceof ListenError)) throw error;
  writeError(`${error.message}\n`);
  process.exit(1);
});
