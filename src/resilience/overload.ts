import { createStopwatch, type Lap } from '../net/stopped-process.ts';
import type { Faults } from './faults.ts';
import { ServiceError } from './service-error.ts';

/** How often the event loop's delay is measured, in milliseconds. */
const intervalMs = 50;

/** Whether the event loop runs so late that most responses would be too late to be useful. */
export interface Overload {
  readonly isOverloaded: boolean;
  stop(): void;
}

/**
 * A time in which the process was stopped (SIGSTOP, a suspended machine) is no overload. After it, only a second late measurement in a row is.
 *
 * @param maxDelayMs the delay above which the service is overloaded, until the loop has caught up.
 */
export function watchOverload(maxDelayMs: number, nextLap: () => Lap = createStopwatch()): Overload {
  let isLate = false;
  const overload = {
    isOverloaded: false,
    stop: () => clearInterval(timer),
  };
  // A late timer waited for other work in the loop. A request that arrived at the same time waited as long.
  const timer = setInterval(() => {
    const { elapsedMs, hasRun } = nextLap();
    const wasLate = isLate;
    isLate = elapsedMs - intervalMs > maxDelayMs;
    overload.isOverloaded = isLate && (hasRun || wasLate);
  }, intervalMs).unref();
  return overload;
}

function overloadError(): ServiceError {
  return new ServiceError('overloaded', 'The service is overloaded. Try again in a second.');
}

/**
 * The operation with load shedding and fault injection in front of it, in this order. Only operations are shed: an orchestrator would
 * restart a replica whose probes fail, although it is only busy.
 *
 * @throws {ServiceError} `overloaded`, or `unavailable` for an injected failure.
 */
export function protect<Request, Answer>(
  operation: (request: Request) => Answer,
  { overload, faults }: { readonly overload: Overload; readonly faults: Faults },
): (request: Request) => Answer | Promise<Answer> {
  return function protectedOperation(request) {
    if (overload.isOverloaded) throw overloadError();
    return faults.isActive ? faults.inject(operation, request) : operation(request);
  };
}
