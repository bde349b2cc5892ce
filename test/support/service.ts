import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../src/config/load-config.ts';
import { defaultLimits, type Limits } from '../../src/net/limits.ts';
import { operations, servedNames } from '../../src/operations.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { createReadiness, type Readiness } from '../../src/resilience/readiness.ts';
import { type Service, type ServiceOptions, startService } from '../../src/service.ts';
import { buildLogs } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRecorder } from '../../src/telemetry/recorder.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';
import { createTracing } from '../../src/telemetry/tracing.ts';

/** Free ports, and a drain without delay. */
export const testEnvironment = { PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0', DRAIN_DELAY_MS: '0' };

/**
 * Settings that a slow machine does not exceed: no greeting is refused as overload, and no drain is cut. A drain that waits for the wrong
 * thing runs into the timeout of the test.
 */
export const patientEnvironment = {
  MAX_EVENT_LOOP_DELAY_MS: '3600000',
  SHUTDOWN_TIMEOUT_MS: '600000',
  TERMINATION_GRACE_PERIOD_MS: '3600000',
};

const hourMs = 3_600_000;

/** Limits of the wire that are never reached, so that a client on a slow machine does not count as a slow client. */
export const patientLimits: Limits = {
  ...defaultLimits,
  handshakeTimeoutMs: hourMs,
  headersTimeoutMs: hourMs,
  requestTimeoutMs: hourMs,
  firstRequestTimeoutMs: hourMs,
  stalledSweeps: 3_600,
};

/** Time limits of the wire at a tenth of their real length: 0.5 s for headers, 1 s without progress. */
export const shortLimits: Limits = {
  ...defaultLimits,
  handshakeTimeoutMs: 500,
  headersTimeoutMs: 500,
  requestTimeoutMs: 1_000,
  firstRequestTimeoutMs: 500,
  sweepIntervalMs: 100,
  certificateIntervalMs: 100,
};

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface TestService extends Service {
  /** All log lines so far. */
  readonly lines: readonly LogLine[];
  readonly readiness: Readiness;
}

/** All parts of a service that is not started yet, and its log lines. It traces as the configuration says. */
export async function createTestTelemetry(env: Record<string, string> = {}, readiness = createReadiness()) {
  const lines: LogLine[] = [];
  const config = loadConfig({ ...testEnvironment, ...patientEnvironment, LOG_LEVEL: 'debug', ...env });
  const destination = { write: (line: string) => lines.push(JSON.parse(line)) };
  const { logger, accessLog } = buildLogs(config.logLevel, destination, config.trustedProxies);
  const faults = createFaults();
  const metrics = createMetrics({ faults, readiness, version: 'test', revision: 'test' });
  const telemetry: Telemetry = {
    logger,
    metrics,
    recorder: createRecorder(metrics, accessLog, servedNames(operations)),
    tracing: await createTracing(config, logger, 'test'),
  };
  return { config, faults, lines, operations, readiness, telemetry };
}

/** Starts the whole service in this process, on free ports of the loopback interface. */
export async function startTestService(
  env: Record<string, string> = {},
  limits: Limits = patientLimits,
  overrides: Partial<Pick<ServiceOptions, 'operations'>> = {},
): Promise<TestService> {
  const { lines, ...options } = await createTestTelemetry(env);
  const service = await startService({ ...options, limits, ...overrides });
  return { ...service, lines, readiness: options.readiness };
}

// Saved here, because a test may replace the clock.
const pause = sleep;

/** Waits until the condition holds. The timeout of the test is the limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(5);
}

type Listening = { readonly urls: Pick<Service['urls'], 'admin'> };

/** The metrics of a service as Prometheus reads them. */
export async function scrape({ urls }: Listening): Promise<string> {
  return (await fetch(`${urls.admin}/metrics`)).text();
}

/** Waits until this many HTTP requests, or gRPC calls, are in progress. */
export async function untilActive(
  service: Listening,
  gauge: 'http_server_active_requests' | 'rpc_server_active_calls',
  count: number,
): Promise<void> {
  await until(async () => (await scrape(service)).includes(`\n${gauge} ${count}\n`));
}

/**
 * Waits until the service has read all bytes that clients have sent so far. They arrived before these requests, and the event loop of the
 * service reads every socket between the first response and the second.
 */
export async function untilRead({ urls }: Listening): Promise<void> {
  for (let count = 0; count < 2; count += 1) await (await fetch(`${urls.admin}/faults`)).text();
}
