import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ServiceError } from './service-error.ts';

/** What is to go wrong, on purpose: nothing by default. */
export const faultPlanSchema = z.strictObject({
  /** How long every greeting is held back, in milliseconds. */
  delayMs: z
    .int({ error: 'must be a whole number of milliseconds from 0 to 60000' })
    .min(0, { error: 'must be a whole number of milliseconds from 0 to 60000' })
    .max(60_000, { error: 'must be a whole number of milliseconds from 0 to 60000' })
    .default(0),
  /** The part of the greetings that fail, from 0 to 1. */
  errorRate: z
    .number({ error: 'must be a number from 0 to 1' })
    .min(0, { error: 'must be a number from 0 to 1' })
    .max(1, { error: 'must be a number from 0 to 1' })
    .default(0),
});

export type FaultPlan = Readonly<z.infer<typeof faultPlanSchema>>;

const noFaults: FaultPlan = Object.freeze({ delayMs: 0, errorRate: 0 });

/** Faults for rehearsal: retries, ejection and alerts can be tried on a service that does what it is told. */
export interface Faults {
  plan: FaultPlan;
  /** How many of each kind there have been. */
  readonly injected: { delay: number; error: number };
  clear(): void;
  /** The same operation, on which the plan of the moment is carried out first. Without one it costs a comparison. */
  rehearse<Request, Answer>(
    operation: (request: Request) => Answer,
  ): (request: Request) => Answer | Promise<Answer>;
}

export function createFaults(): Faults {
  const faults: Faults = {
    plan: noFaults,
    injected: { delay: 0, error: 0 },
    clear() {
      faults.plan = noFaults;
    },
    rehearse(operation) {
      return (request) => {
        const { plan } = faults;
        if (plan === noFaults) return operation(request);
        const fails = Math.random() < plan.errorRate;
        if (plan.delayMs === 0) return finish(fails, operation, request);
        faults.injected.delay += 1;
        return sleep(plan.delayMs).then(() => finish(fails, operation, request));
      };
    },
  };
  function finish<Request, Answer>(
    fails: boolean,
    operation: (request: Request) => Answer,
    request: Request,
  ): Answer {
    if (!fails) return operation(request);
    faults.injected.error += 1;
    throw new ServiceError('unavailable', 'This failure was injected, as a rehearsal.');
  }
  return faults;
}
