import { loadConfig } from '../../src/config.ts';
import { type Service, startService } from '../../src/service.ts';
import { buildLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

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

/** The whole service, in this process, on free ports of the loopback interface. */
export async function startTestService(env: Record<string, string> = {}): Promise<TestService> {
  const lines: LogLine[] = [];
  const config = loadConfig({ ...testEnvironment, LOG_LEVEL: 'debug', ...env });
  const logger = buildLogger(config.logLevel, { write: (line) => lines.push(JSON.parse(line)) });
  const service = await startService({ config, logger, metrics: createMetrics() });
  return { ...service, lines };
}

/** Waits until the condition holds; fails by the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
