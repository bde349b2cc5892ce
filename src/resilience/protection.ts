import type { Faults } from './faults.ts';
import { type Overload, overloadError } from './overload.ts';

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
