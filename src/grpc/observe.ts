import { status } from '@grpc/grpc-js';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { TraceCarrier } from '../telemetry/tracing.ts';

interface Method {
  readonly service: string;
  readonly name: string;
}

interface Call {
  readonly requestId: string;
  readonly carrier: TraceCarrier;
  readonly peer: string;
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

/** Counts, times, traces and logs one call: begun by this, and to be ended once. */
export function observeCall(
  { service, name }: Method,
  { requestId, carrier, peer }: Call,
  { logger, metrics, tracing }: Telemetry,
) {
  const startedAt = performance.now();
  const method = `${service}/${name}`;
  metrics.active.rpc += 1;
  const span = tracing.start(carrier, () => ({
    name: method,
    attributes: { 'rpc.system.name': 'grpc', 'rpc.method': method, 'client.address': peer },
  }));
  return {
    fail(error: unknown): void {
      logger.error({ err: error, requestId, ...span?.ids }, 'call failed');
    },
    end(code: status): void {
      const durationMs = performance.now() - startedAt;
      const codeName = status[code];
      const isError = serverErrors.includes(code);
      metrics.active.rpc -= 1;
      metrics.rpcCalls.series(service, name, codeName).observe(durationMs / 1000);
      span?.end(
        { 'rpc.response.status_code': codeName, ...(isError && { 'error.type': codeName }) },
        isError,
      );
      const line = {
        requestId,
        ...span?.ids,
        method,
        code: codeName,
        durationMs: Math.round(durationMs * 1000) / 1000,
      };
      logger.info(line, 'call');
    },
  };
}
