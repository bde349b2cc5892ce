import type * as z from 'zod';

/** One thing that is wrong with a request, in words that are safe to send to its client. */
export interface Violation {
  readonly field: string;
  readonly detail: string;
}

export function violationsOf(error: z.core.$ZodError): readonly Violation[] {
  return error.issues.map(({ path, message }) => ({ field: path.join('.'), detail: message }));
}

/** All violations in one sentence, the same for every transport. */
export function describeViolations(violations: readonly Violation[]): string {
  return violations.map(({ field, detail }) => `${field} ${detail}`.trim()).join('; ');
}
