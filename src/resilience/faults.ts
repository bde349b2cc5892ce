import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ServiceError } from './service-error.ts';

const delayError = { error: 'must be a whole number of milliseconds from 0 to 60000' };
const rateError = { error: 'must be a number from 0 to 1' };

/** The faults to inject. By default there are none. */
export const faultPlanSchema = z.strictObject({
  /** How long every operation is delayed, in milliseconds. */
  delayMs: z.int(delayError).min(0, delayError).max(60_000, delayError).default(0),
  /** The share of operations that fail, from 0 to 1. */
  errorRate: z.number(rateError).min(0, rateError).max(1, rateError).default(0),
});

const timeError = { error: 'must be a whole number of seconds from 1 to 86400' };

/** The same, with the time after which it ends by itself. */
export const faultRequestSchema = faultPlanSchema.extend({
  forSeconds: z.int(timeError).min(1, timeError).max(86_400, timeError).optional(),
});

export type FaultPlan = Readonly<z.infer<typeof faultPlanSchema>>;

const noFaults: FaultPlan = Object.freeze({ delayMs: 0, errorRate: 0 });

/** Injects faults, so that retries, ejection and alerts can be rehearsed. */
export interface Faults {
  plan: FaultPlan;
  /** False while no plan is set. */
  readonly isActive: boolean;
  /** How many faults of each kind have been injected. */
  readonly injected: { delay: number; error: number };
  clear(): void;
  /** Calls the operation as the plan says. @throws {ServiceError} `unavailable` */
  inject<Request, Answer>(
    operation: (request: Request) => Answer,
    request: Request,
  ): Answer | Promise<Answer>;
}

export function createFaults(): Faults {
  let plan = noFaults;
  const injected = { delay: 0, error: 0 };
  const faults = {
    injected,
    isActive: false,
    get plan() {
      return plan;
    },
    set plan(next: FaultPlan) {
      plan = next;
      faults.isActive = next !== noFaults;
    },
    clear() {
      faults.plan = noFaults;
    },
    inject<Request, Answer>(operation: (request: Request) => Answer, request: Request) {
      const fails = Math.random() < plan.errorRate;
      if (plan.delayMs === 0) return finish(fails, operation, request);
      injected.delay += 1;
      return sleep(plan.delayMs).then(() => finish(fails, operation, request));
    },
  };
  function finish<Request, Answer>(
    fails: boolean,
    operation: (request: Request) => Answer,
    request: Request,
  ): Answer {
    if (!fails) return operation(request);
    injected.error += 1;
    throw new ServiceError('unavailable', 'This failure was injected for a rehearsal.');
  }
  return faults;
}
