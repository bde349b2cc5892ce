import { type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js';
import { type HealthRequest, type HealthResponse, healthService } from '../net/grpc/health-messages.ts';
import type { Readiness } from '../resilience/readiness.ts';
import { type CallStatus, withRequestId } from './status.ts';

/** Watchers at once. A client has one for each connection. Further ones are refused, because a watch does not end by itself. */
const maxWatchers = 1_000;

/**
 * `grpc.health.v1.Health` for the server as a whole and for each of its services; all have the one readiness state. The package
 * grpc-health-check is not used: it cannot end a Watch, and an open Watch would hold up a shutdown for ever.
 */
export function createHealth(readiness: Readiness, services: Iterable<string>) {
  const known: ReadonlySet<string> = new Set(['', ...services]);
  const watchers = new Set<ServerWritableStream<HealthRequest, HealthResponse>>();
  const current = (): HealthResponse => ({ status: readiness.state === 'ready' ? 'SERVING' : 'NOT_SERVING' });
  const statusOf = (name: string): HealthResponse =>
    known.has(name) ? current() : { status: 'SERVICE_UNKNOWN' };

  const unsubscribe = readiness.subscribe(() => {
    for (const watcher of watchers) watcher.write(statusOf(watcher.request.service));
  });

  return {
    definition: healthService,
    implementation: {
      Check(
        call: ServerUnaryCall<HealthRequest, HealthResponse>,
        callback: (error: object | null, value?: object) => void,
      ) {
        if (known.has(call.request.service)) callback(null, current());
        else callback(withRequestId({ code: status.NOT_FOUND, details: 'There is no such service.' }, call));
      },
      Watch(call: ServerWritableStream<HealthRequest, HealthResponse>) {
        if (watchers.size >= maxWatchers)
          return end(call, { code: status.RESOURCE_EXHAUSTED, details: 'There are too many watchers.' });
        watchers.add(call);
        call.on('cancelled', () => watchers.delete(call));
        call.write(statusOf(call.request.service));
      },
      List(_call: unknown, callback: (error: object | null, value?: object) => void) {
        callback(null, { statuses: Object.fromEntries([...known].map((name) => [name, current()])) });
      },
    },
    /** Ends every watch with UNAVAILABLE: this replica will report nothing more. */
    close(): void {
      unsubscribe();
      for (const watcher of watchers)
        end(watcher, { code: status.UNAVAILABLE, details: 'The replica is shutting down.' });
    },
  };
}

function end(watcher: ServerWritableStream<HealthRequest, HealthResponse>, outcome: CallStatus): void {
  watcher.emit('error', withRequestId(outcome, watcher));
}
