import { status } from '@grpc/grpc-js';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { TraceCarrier } from '../telemetry/tracing.ts';

interface Method {
  readonly service: string;
  readonly name: string;
}

interface StartedCall {
  readonly requestId: string;
  readonly carrier: TraceCarrier;
  /** Called only for a sampled call. */
  readonly peerOf: () => string;
}

/** A call in progress. */
export interface ObservedCall {
  /** Logs an unexpected error, with its cause. */
  fail(error: unknown): void;
  /** To be called once. */
  end(code: status): void;
}

/** Counts, times, traces and logs the calls of a method. */
export function createCallObserver(
  { service, name }: Method,
  { logger, metrics, recorder, tracing }: Telemetry,
): (call: StartedCall) => ObservedCall {
  const rpcMethod = `${service}/${name}`;
  return function observeCall({ requestId, carrier, peerOf }) {
    const startedAt = performance.now();
    metrics.active.rpc += 1;
    const span = tracing.start(carrier, () => ({
      name: rpcMethod,
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': rpcMethod, 'client.address': peerOf() },
    }));
    return {
      fail(error) {
        logger.error({ err: error, requestId, ...span?.ids }, 'call failed');
      },
      end(code) {
        metrics.active.rpc -= 1;
        recorder.callEnded({
          requestId,
          span,
          service,
          method: name,
          code: status[code],
          durationMs: performance.now() - startedAt,
        });
      },
    };
  };
}
