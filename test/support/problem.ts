import { STATUS_CODES } from 'node:http';
import { expect } from 'vitest';
import { problemSchema } from '../../src/http/problem.ts';

interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Checks that a response is valid problem details (RFC 9457) without internals, with these members. */
export function expectProblem({ status, headers, text }: Response, expected: Record<string, unknown>): void {
  expect(headers['content-type']).toBe('application/problem+json');
  expect(headers['x-content-type-options']).toBe('nosniff');
  const problem = problemSchema.strict().parse(JSON.parse(text));
  expect(problem).toMatchObject({ status, title: STATUS_CODES[status], requestId: headers['x-request-id'] });
  expect(problem).toMatchObject(expected);
  expect(text).not.toMatch(/node_modules|\.ts:|\.js:|FST_/);
}
