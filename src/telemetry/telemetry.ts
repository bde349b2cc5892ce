import type { AccessLog } from './access-log.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Tracing } from './tracing.ts';

/** What both transports tell of themselves with. */
export interface Telemetry {
  readonly accessLog: AccessLog;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}
