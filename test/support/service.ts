import { loadConfig } from '../../src/config/config.ts';
import { defaultLimits, type Limits } from '../../src/net/limits.ts';
import { operations, servedNames } from '../../src/operations.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { createReadiness } from '../../src/resilience/readiness.ts';
import { type Service, startService } from '../../src/service.ts';
import { buildLogs } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createRecorder } from '../../src/telemetry/recorder.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';
import { createTracing } from '../../src/telemetry/tracing.ts';

/** Free ports, and a drain without delay. */
export const testEnvironment = { PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0', DRAIN_DELAY_MS: '0' };

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface TestService extends Service {
  /** All log lines so far. */
  readonly lines: readonly LogLine[];
}

/**
 * Every time limit of the wire a tenth of its real length: 0.5 s for headers, 1 s without progress. A test asserts what happens and in
 * which order; how long the real limits are, `limits.ts` says.
 */
export const shortLimits: Limits = {
  ...defaultLimits,
  handshakeTimeoutMs: 500,
  headersTimeoutMs: 500,
  requestTimeoutMs: 1_000,
  firstRequestTimeoutMs: 500,
  sweepIntervalMs: 100,
  certificateIntervalMs: 100,
};

/** What a service is made of, with its log lines. It traces as the configuration says. */
export async function createTestTelemetry(env: Record<string, string> = {}, readiness = createReadiness()) {
  const lines: LogLine[] = [];
  const config = loadConfig({ ...testEnvironment, LOG_LEVEL: 'debug', ...env });
  const { logger, accessLog } = buildLogs(config.logLevel, { write: (line) => lines.push(JSON.parse(line)) });
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

/** The whole service in this process, on free ports of the loopback interface. */
export async function startTestService(
  env: Record<string, string> = {},
  limits: Limits = defaultLimits,
): Promise<TestService> {
  const { lines, ...options } = await createTestTelemetry(env);
  return { ...(await startService({ ...options, limits })), lines };
}

/** Waits until the condition holds. The timeout of the test is the limit. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
