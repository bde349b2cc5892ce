import type { z } from 'zod';

/** One thing that is wrong with a request, in words that are safe to show to its caller. */
export interface Fault {
  readonly field: string;
  readonly detail: string;
}

/** Every fault that a schema found. */
export function faultsOf(error: z.core.$ZodError): readonly Fault[] {
  return error.issues.map(({ path, message }) => ({ field: path.join('.'), detail: message }));
}

/** All of them in one sentence: the same for every transport. */
export function describeFaults(faults: readonly Fault[]): string {
  return faults.map(({ field, detail }) => `${field} ${detail}`.trim()).join('; ');
}
