import './net/node-20/tick-shape.ts';
import { isatty } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import type { Config } from './config/config.ts';
import { DotenvError, readDotenv } from './config/dotenv.ts';
import { ConfigError, flushTimeoutMs, loadConfig } from './config/load-config.ts';
import { operations, servedNames } from './operations.ts';
import { createFaults } from './resilience/faults.ts';
import { createReadiness } from './resilience/readiness.ts';
import { ListenError, type Service, startService } from './service.ts';
import { version } from './shipped-files.ts';
import { closeLostTerminals, drainOnSignal, finishOnSignal, stopSignals } from './signals.ts';
import { writeError } from './telemetry/descriptor.ts';
import { createLogs, type Logger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { createRecorder } from './telemetry/recorder.ts';
import { createTracing } from './telemetry/tracing.ts';

/** What a signal does. At first it ends the process, which does not serve any request yet. */
let stop = (_signal: NodeJS.Signals): void => process.exit(0);

async function main(): Promise<void> {
  for (const signal of stopSignals) process.on(signal, (received) => stop(received));
  // One turn of the event loop delivers a signal that arrived while the program was loaded.
  await new Promise((resolve) => setImmediate(resolve));
  process.on('exit', closeLostTerminals);
  const config = readConfig();
  const { logger, accessLog, output } = await createLogs(config);
  exitOnUncaught(logger);
  finishOnSignal(output);
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
  stop = drainOnSignal({
    config,
    logger,
    readiness,
    async drain(drainDelayMs) {
      const service = await starting;
      await service.drain(drainDelayMs);
      // Last, so that the span of the last request is sent too.
      await tracing.shutdown(flushTimeoutMs / 2);
    },
    // Longer than a drain in which every request hangs. The configuration checks that it is shorter than the orchestrator's grace period.
    limitMs: config.drainDelayMs + config.shutdownTimeoutMs + flushTimeoutMs,
  });
  const { urls } = await starting;
  if (isatty(1) && logger.isLevelEnabled('info')) output.write(describeStart(urls, config));
  else logger.info({ ...urls, ...metrics.build }, listeningMessage(urls, config));
  logger.flush();
  // By default V8 inlines at most 920 bytes of bytecode into a function. With this limit a greeting takes 5 % fewer instructions. It is set
  // last: code caches are valid only with the flags that they were made with.
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=2500');
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

/** After an uncaught error the state is unknown. It is logged, and the orchestrator starts a new process. */
function exitOnUncaught(logger: Logger): void {
  const fail = (error: unknown) => {
    logger.fatal({ err: error }, 'exiting after an unexpected error');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

main().catch((error: unknown) => {
  if (!(error instanceof ConfigError || error instanceof ListenError)) throw error;
  writeError(`${error.message}\n`);
  process.exit(1);
});
