import { loadConfig } from '../../src/config/config.ts';
import { greet } from '../../src/greeting/greeting.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { createReadiness } from '../../src/resilience/readiness.ts';
import { type Service, startService } from '../../src/service.ts';
import { buildLogs } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import type { Telemetry } from '../../src/telemetry/telemetry.ts';
import { createTracing } from '../../src/telemetry/tracing.ts';

/** Free ports and a drain without waiting: what every test wants unless it says otherwise. */
export const testEnvironment = { PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0', DRAIN_DELAY_MS: '0' };

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface TestService extends Service {
  /** Every line logged so far. */
  readonly lines: readonly LogLine[];
}

/** Telemetry whose lines are kept, and that traces as the configuration says. */
export async function createTestTelemetry(env: Record<string, string> = {}, readiness = createReadiness()) {
  const lines: LogLine[] = [];
  const config = loadConfig({ ...testEnvironment, LOG_LEVEL: 'debug', ...env });
  const { logger, accessLog } = buildLogs(config.logLevel, { write: (line) => lines.push(JSON.parse(line)) });
  const faults = createFaults();
  const metrics = createMetrics({ faults, readiness, version: 'test', revision: 'test' });
  const telemetry: Telemetry = {
    accessLog,
    logger,
    metrics,
    tracing: await createTracing(config, logger, 'test'),
  };
  return { config, faults, greet, lines, readiness, telemetry };
}

/** The whole service, in this process, on free ports of the loopback interface. */
export async function startTestService(env: Record<string, string> = {}): Promise<TestService> {
  const { lines, ...options } = await createTestTelemetry(env);
  return { ...(await startService(options)), lines };
}

/** Waits until the condition holds; fails by the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
