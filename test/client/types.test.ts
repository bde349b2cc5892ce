import { describe, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import type { Greeting, Problem, Readiness, Violation } from '../../src/client/types.ts';
import type { greetingSchema } from '../../src/greeting/greeting.ts';
import type { problemSchema, violationSchema } from '../../src/http/problem.ts';
import type { readinessSchema } from '../../src/http/routes/health.ts';

// The compiler checks the types: `npm run check` fails if they differ.
describe("the client's types", () => {
  it("equal the service's schemas", () => {
    expectTypeOf<Greeting>().toEqualTypeOf<z.output<typeof greetingSchema>>();
    expectTypeOf<Readiness>().toEqualTypeOf<z.output<typeof readinessSchema>>();
    expectTypeOf<Problem>().toEqualTypeOf<z.output<typeof problemSchema>>();
    expectTypeOf<Violation>().toEqualTypeOf<z.output<typeof violationSchema>>();
  });
});
