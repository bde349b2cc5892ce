import { STATUS_CODES } from 'node:http';
import * as z from 'zod';
import type { Violation } from '../greeting/invalid-request.ts';

/** The status under which a request is counted and logged whose client left before its response was sent. It is nginx's; none is sent. */
export const clientLeftStatus = 499;

export const problemMediaType = 'application/problem+json';

export const violationSchema = z
  .object({
    field: z.string().meta({ description: 'What was at fault.', examples: ['name'] }),
    detail: z.string().meta({
      description: 'What is wrong with it.',
      examples: ['must have at most 100 characters, got 101'],
    }),
  })
  .meta({ id: 'Violation', description: 'One fault of the input.' });

/** Problem details (RFC 9457). `type` is left out, which means `about:blank`: the status says what kind of problem it is. */
export const problemSchema = z
  .object({
    title: z.string().meta({ description: "The status's own phrase.", examples: ['Bad Request'] }),
    status: z
      .int()
      .min(400)
      .max(599)
      .meta({ description: 'The HTTP status, repeated.', examples: [400] }),
    detail: z.string().meta({ description: 'What was wrong, what was expected and what to do.' }),
    requestId: z
      .string()
      .meta({ description: 'The id under which the request is logged; the same as `X-Request-Id`.' }),
    errors: z.array(violationSchema).optional().meta({ description: 'For bad input: every fault there is.' }),
  })
  .meta({ id: 'Problem', description: 'Problem details as RFC 9457 defines them.' });

export type ProblemDetails = z.infer<typeof problemSchema>;

interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly Violation[];
}

/** An error response whose every word is safe to send to the client. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: readonly Violation[] | undefined;

  constructor(status: number, detail: string, { headers = {}, errors }: ProblemExtras = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
    this.errors = errors;
  }
}

/** The body of the response. */
export function renderProblem({ status, message, errors }: Problem, requestId: string): string {
  const details: ProblemDetails = {
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: message,
    requestId,
    ...(errors && { errors: [...errors] }),
  };
  return JSON.stringify(details);
}
