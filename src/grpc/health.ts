import { type ServerUnaryCall, type ServerWritableStream, status } from '@grpc/grpc-js';
import { greetServiceName } from '../contract/greet-service.ts';
import { type HealthRequest, type HealthResponse, healthService } from '../contract/health-service.ts';
import type { Readiness } from '../resilience/readiness.ts';

/** Watchers at once; a client has one for each of its connections. One more is refused, as its call would last for ever. */
const maxWatchers = 1_000;

const known: readonly string[] = ['', greetServiceName];

/**
 * `grpc.health.v1.Health` on the one readiness state, for the server as a whole and for each of its services. Ours rather
 * than the package's implementation, because that one cannot end its watchers, and an open Watch holds a shutdown for ever.
 */
export function createHealth(readiness: Readiness) {
  const watchers = new Set<ServerWritableStream<HealthRequest, HealthResponse>>();
  const current = (): HealthResponse => ({ status: readiness.state === 'ready' ? 'SERVING' : 'NOT_SERVING' });
  const answerTo = (name: string): HealthResponse =>
    known.includes(name) ? current() : { status: 'SERVICE_UNKNOWN' };

  readiness.subscribe(() => {
    for (const watcher of watchers) watcher.write(answerTo(watcher.request.service));
  });

  return {
    definition: healthService,
    implementation: {
      Check(
        call: ServerUnaryCall<HealthRequest, HealthResponse>,
        callback: (error: object | null, value?: object) => void,
      ) {
        const { service: name } = call.request;
        if (known.includes(name)) callback(null, current());
        else callback({ code: status.NOT_FOUND, details: 'There is no such service.' });
      },
      Watch(call: ServerWritableStream<HealthRequest, HealthResponse>) {
        if (watchers.size >= maxWatchers) {
          call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'There are too many watchers.' });
          return;
        }
        watchers.add(call);
        call.on('cancelled', () => watchers.delete(call));
        call.write(answerTo(call.request.service));
      },
      List(_call: unknown, callback: (error: object | null, value?: object) => void) {
        callback(null, { statuses: Object.fromEntries(known.map((name) => [name, current()])) });
      },
    },
    /** Ends every watcher with UNAVAILABLE: this replica has nothing more to tell. */
    close(): void {
      for (const watcher of watchers) {
        watcher.emit('error', { code: status.UNAVAILABLE, details: 'The replica is shutting down.' });
      }
    },
  };
}
