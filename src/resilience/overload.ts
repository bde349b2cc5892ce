import { ServiceError } from './service-error.ts';

/** How often the event loop's delay is looked at, in milliseconds. */
const intervalMs = 50;

/**
 * Load shedding: when the event loop runs so late that an answer would come too late to be of use, greetings are refused until
 * it has caught up. Only greetings: probes answer as long as they can, or the orchestrator would restart what is merely busy.
 */
export interface Overload {
  /** The operation, refused while the loop is late. @throws {ServiceError} `overloaded` */
  protect<Request, Answer>(operation: (request: Request) => Answer): (request: Request) => Answer;
  stop(): void;
}

export function watchOverload(maxDelayMs: number): Overload {
  let lastAt = performance.now();
  let delayMs = 0;
  // A timer that comes late has waited for what the loop had to do first: just as long as a request has that came then.
  const timer = setInterval(() => {
    const now = performance.now();
    delayMs = now - lastAt - intervalMs;
    lastAt = now;
  }, intervalMs).unref();
  return {
    protect(operation) {
      return (request) => {
        if (delayMs > maxDelayMs)
          throw new ServiceError(
            'overloaded',
            'The service has more to do than it can. Ask again in a second.',
          );
        return operation(request);
      };
    },
    stop: () => clearInterval(timer),
  };
}
