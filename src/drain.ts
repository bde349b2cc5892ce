import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config/config.ts';
import type { Readiness } from './resilience/readiness.ts';
import type { Logger } from './telemetry/logger.ts';

/** A listener that can be closed. */
export interface Drainable {
  /** Stops accepting, and resolves when all requests in progress have ended. */
  close(): Promise<void>;
  /** Closes every connection that is left. */
  closeNow(): void;
}

export interface DrainOptions {
  readonly config: Pick<Config, 'drainDelayMs' | 'shutdownTimeoutMs'>;
  readonly logger: Logger;
  readonly readiness: Readiness;
  /** The listeners for clients. */
  readonly listeners: readonly Drainable[];
  readonly admin: Drainable;
  /** Stops timers and applications. */
  readonly stop: () => Promise<void>;
}

/** Ends the service without losing a request. It takes at most the drain delay and the shutdown timeout. */
export async function drain(options: DrainOptions): Promise<void> {
  const { config, logger, readiness, listeners, admin, stop } = options;

  // 1. Clients are asked to leave. /readyz answers 503, gRPC health NOT_SERVING; every HTTP/1.1 response carries `Connection: close`, and
  //    every HTTP/2 connection gets a GOAWAY. New connections are still accepted, and every request is still answered.
  readiness.become('draining');

  // 2. Balancers notice at their next check, and send new requests to other replicas. Until they do, requests are answered here.
  await sleep(config.drainDelayMs);

  // 3. New connections are refused; gRPC clients get a GOAWAY, and health watchers UNAVAILABLE. Requests in progress are answered, and each
  //    connection is closed after its last response. After the timeout the remaining connections are closed.
  const timer = setTimeout(() => {
    const { shutdownTimeoutMs } = config;
    logger.warn({ shutdownTimeoutMs }, 'closing connections whose requests did not end in time');
    for (const listener of listeners) listener.closeNow();
  }, config.shutdownTimeoutMs);
  await Promise.all(listeners.map((listener) => listener.close()));
  clearTimeout(timer);

  // 4. Operators could watch the drain up to here. Now the admin port closes, without waiting for anyone.
  admin.closeNow();
  await admin.close();
  await stop();
}
