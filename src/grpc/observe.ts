import { status } from '@grpc/grpc-js';
import type { Attributes } from '@opentelemetry/api';
import { toFields } from '../telemetry/access-log.ts';
import { type DurationSeries, getOrAdd } from '../telemetry/duration-histogram.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { TraceCarrier } from '../telemetry/tracing.ts';

interface Method {
  readonly service: string;
  readonly name: string;
}

interface Call {
  readonly requestId: string;
  readonly carrier: TraceCarrier;
  /** Asked for only where it is told. */
  readonly peerOf: () => string;
}

/** What is our own fault rather than the caller's (OpenTelemetry semantic conventions for gRPC servers). */
const serverErrors: readonly status[] = [
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
];

/** What all calls of one method and status have in common, prepared when the first of them ends. */
interface Outcome {
  readonly series: DurationSeries;
  readonly fields: string;
  readonly attributes: Attributes;
}

/** A call under way, to be ended once. */
export interface ObservedCall {
  /** Logs what nobody expected, with its cause. */
  fail(error: unknown): void;
  end(code: status): void;
}

/** Counts, times, traces and logs the calls of a method. */
export function createCallObserver(
  { service, name }: Method,
  { accessLog, logger, metrics, tracing }: Telemetry,
): (call: Call) => ObservedCall {
  const { active, rpcCalls } = metrics;
  const method = `${service}/${name}`;
  const outcomes = new Map<status, Outcome>();
  const prepareOutcome = (code: status): Outcome => {
    const codeName = status[code];
    return {
      series: rpcCalls.series(service, name, codeName),
      fields: toFields({ method, code: codeName }),
      attributes: {
        'rpc.response.status_code': codeName,
        ...(serverErrors.includes(code) && { 'error.type': codeName }),
      },
    };
  };

  return function observeCall({ requestId, carrier, peerOf }) {
    const startedAt = performance.now();
    active.rpc += 1;
    const span = tracing.start(carrier, () => ({
      name: method,
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method, 'client.address': peerOf() },
    }));
    return {
      fail(error) {
        logger.error({ err: error, requestId, ...span?.ids }, 'call failed');
      },
      end(code) {
        const durationMs = performance.now() - startedAt;
        active.rpc -= 1;
        const { series, fields, attributes } = getOrAdd(outcomes, code, () => prepareOutcome(code));
        series.observe(durationMs / 1000);
        span?.end(attributes, serverErrors.includes(code));
        accessLog.info({ requestId, span, fields, durationMs, msg: 'call' });
      },
    };
  };
}
