import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { Recorder } from './recorder.ts';
import type { Tracing } from './spans.ts';

/** All that a transport needs to report what happens. */
export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly recorder: Recorder;
  readonly tracing: Tracing;
}
