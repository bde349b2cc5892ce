import { type Metadata, status } from '@grpc/grpc-js';
import { peerOf } from '../net/grpc/peer.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

interface Method {
  readonly service: string;
  readonly name: string;
}

interface StartedCall {
  readonly metadata: Metadata;
  getPeer(): string;
}

/** A call in progress. */
export interface ObservedCall {
  /** Logs an unexpected error, with its cause. */
  fail(error: unknown): void;
  /** Counts and logs the end of the call. Call it once. */
  end(code: status): void;
}

/** Counts, times, traces and logs the calls of a method. */
export function createCallObserver(
  { service, name }: Method,
  { logger, metrics, recorder, tracing }: Telemetry,
): (requestId: string, call: StartedCall) => ObservedCall {
  const rpcMethod = `${service}/${name}`;
  return function observeCall(requestId, call) {
    const startedAt = performance.now();
    const { metadata } = call;
    const peer = peerOf(call);
    metrics.active.rpc += 1;
    const read = (header: string) => textOf(metadata, header);
    const span = tracing.start(read, () => ({
      name: rpcMethod,
      requestId,
      sender: {
        peer: peer.address,
        peerPort: peer.port,
        forwardedFor: read('x-forwarded-for'),
        userAgent: read('user-agent'),
      },
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': rpcMethod },
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
          peer: peer.address,
          peerPort: peer.port,
          forwardedFor: read('x-forwarded-for'),
          userAgent: read('user-agent'),
        });
      },
    };
  };
}

function textOf(metadata: Metadata, header: string): string | undefined {
  const value = metadata.get(header)[0];
  return typeof value === 'string' ? value : undefined;
}
