import { STATUS_CODES } from 'node:http';
import * as z from 'zod';
import { notAcceptable } from './negotiate.ts';
import { type ProblemDetails, problemMediaType, problemSchema } from './problem.ts';

interface DescribedHeader {
  readonly description: string;
  readonly example: string | number;
  /** False for a header that only some deployments send. */
  readonly isAlwaysSent?: false;
}

/** The response headers that the OpenAPI document describes. */
export const responseHeaders = {
  'X-Request-Id': {
    description: "The request's id: the caller's own where it is acceptable, and otherwise a new one.",
    example: '5f3c9a1e77b04d22-1z',
  },
  'Cache-Control': {
    description: 'Always no-store: the response belongs to this request, and has its id.',
    example: 'no-store',
  },
  Vary: {
    description: 'The response depends on Accept, and on Origin if only some origins are allowed.',
    example: 'Accept',
  },
  'Retry-After': { description: 'When to try again, in seconds.', example: 1 },
  RateLimit: {
    description:
      'If a rate limit is set: how many requests are left (`r`) until the budget is full again, in how many seconds (`t`).',
    example: '"address";r=99;t=60',
    isAlwaysSent: false,
  },
  'RateLimit-Policy': {
    description:
      'If a rate limit is set: how many requests one address may send (`q`) in how many seconds (`w`).',
    example: '"address";q=100;w=60',
    isAlwaysSent: false,
  },
} as const satisfies Record<string, DescribedHeader>;

export type ResponseHeader = keyof typeof responseHeaders;

/** The headers of every response to a probe or an operation. */
export const commonHeaders = ['X-Request-Id', 'Cache-Control'] as const satisfies ResponseHeader[];

/** The headers of a deployment with a rate limit (draft-ietf-httpapi-ratelimit-headers, from version 08 on). */
export const rateLimitHeaders = ['RateLimit', 'RateLimit-Policy'] as const satisfies ResponseHeader[];

/** A response as Fastify takes it, with what the OpenAPI document says of it. */
export interface DescribedResponse {
  /** The name of its component in the document; none for a response of one operation alone. */
  readonly component?: string;
  readonly description: string;
  readonly headers: readonly ResponseHeader[];
  readonly content: Readonly<Record<string, { readonly schema: z.ZodType; readonly example?: unknown }>>;
}

/** The schema of a plain text body. */
export function textBody(description: string) {
  return z.string().meta({ description });
}

interface ProblemDescription extends Pick<ProblemDetails, 'detail' | 'errors'> {
  readonly status: number;
  readonly description: string;
  readonly headers?: readonly ResponseHeader[];
}

/** A response that is a problem. Its component is named by the status: `BadRequest`. */
function problemResponse({ status, description, headers = [], ...example }: ProblemDescription) {
  const title = STATUS_CODES[status] ?? 'Error';
  const requestId = responseHeaders['X-Request-Id'].example;
  const value: ProblemDetails = { title, status, requestId, ...example };
  return {
    component: title.replaceAll(' ', ''),
    description,
    headers: [...commonHeaders, ...headers],
    content: { [problemMediaType]: { schema: problemSchema, example: value } },
  } satisfies DescribedResponse;
}

/** The problems of every request: one that is not valid, and what only the protocol or a fault of the service can cause. */
export const requestProblems = {
  400: problemResponse({
    status: 400,
    description:
      'The request is not valid, or a parameter is missing, repeated or not valid; every error is listed.',
    headers: rateLimitHeaders,
    detail: 'name must have at most 100 characters, got 101',
    errors: [{ field: 'name', detail: 'must have at most 100 characters, got 101' }],
  }),
  default: {
    ...problemResponse({
      status: 500,
      description:
        'Any other problem: a fault in the HTTP request (such as 405, 408, 414, 417, 431 and 501), or in the service.',
      detail: 'The service failed to answer. The cause is in its log, under this request id.',
    }),
    component: 'OtherProblem',
  },
} as const;

/** The problems of every operation. */
export const operationProblems = {
  ...requestProblems,
  406: problemResponse({
    status: 406,
    description: 'The client accepts neither text nor JSON.',
    headers: ['Vary', ...rateLimitHeaders],
    detail: notAcceptable.message,
  }),
  429: problemResponse({
    status: 429,
    description: 'A rate limit is set, and this address has sent too many requests.',
    headers: ['Retry-After', ...rateLimitHeaders],
    detail: 'One address may send 100 requests in 60 s. Try again in 17 s.',
  }),
  503: problemResponse({
    status: 503,
    description: 'The service cannot answer now. Try again, or try another replica.',
    headers: ['Retry-After', ...rateLimitHeaders],
    detail: 'The service is overloaded. Try again in a second.',
  }),
} as const;
