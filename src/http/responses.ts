import { STATUS_CODES } from 'node:http';
import * as z from 'zod';
import { type ProblemDetails, problemMediaType, problemSchema } from './problem.ts';

/** The description of a response header. */
export function header(description: string, example: string) {
  return { type: 'string', description, example } as const;
}

/** The schema of a plain text body. */
export function textBody(description: string) {
  return z.string().meta({ description });
}

const exampleId = '5f3c9a1e77b04d22-1z';

export const requestIdHeader = {
  'X-Request-Id': header(
    "The request's id: the caller's own where it is acceptable, and otherwise a new one.",
    exampleId,
  ),
} as const;

export const noStoreHeader = {
  'Cache-Control': header(
    'Always no-store: the answer is for this request alone, and carries its id.',
    'no-store',
  ),
} as const;

type Example = Pick<ProblemDetails, 'detail' | 'errors'>;

/** The description of a response that is a problem, with an example. */
export function problemResponse(status: number, description: string, example: Example, headers = {}) {
  const { detail, ...rest } = example;
  const value: ProblemDetails = {
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    requestId: exampleId,
    ...rest,
  };
  return {
    description,
    headers: { ...requestIdHeader, ...noStoreHeader, ...headers },
    content: { [problemMediaType]: { schema: problemSchema, example: value } },
  };
}

const otherProblem = problemResponse(
  500,
  'Any other problem: a fault in the HTTP request, or in the service.',
  {
    detail: 'The service failed to answer. The cause is in its log, under this request id.',
  },
);

/** The problems of every operation, from before its own code is reached. */
export const requestProblems = {
  400: problemResponse(400, 'The HTTP request is not valid.', {
    detail: 'The request is not valid HTTP/1.1.',
  }),
  408: problemResponse(408, 'The request took too long to arrive.', {
    detail: 'The request did not arrive in time.',
  }),
  414: problemResponse(414, 'The request target is too long.', {
    detail: 'The request target must have at most 4096 bytes.',
  }),
  417: problemResponse(417, 'The client expects what is not offered.', {
    detail: 'The only expectation met is 100-continue.',
  }),
  431: problemResponse(431, 'The request line and headers are too long.', {
    detail: 'The request line and headers must have at most 8192 bytes together.',
  }),
  501: problemResponse(501, 'The method or the transfer coding is not known.', {
    detail: 'The only transfer coding understood is chunked.',
  }),
  default: otherProblem,
} as const;

const retryAfterHeader = { 'Retry-After': header('When to ask again, in seconds.', '1') } as const;

/** The headers of a deployment with a rate limit (draft-ietf-httpapi-ratelimit-headers, from version 08 on). */
export const rateLimitHeaders = {
  RateLimit: {
    ...header(
      'Where requests are limited: how many are left (`r`) until the budget is full again, in how many seconds (`t`).',
      '"address";r=99;t=60',
    ),
    required: false,
  },
  'RateLimit-Policy': {
    ...header(
      'Where requests are limited: how many one address may send (`q`) in how many seconds (`w`).',
      '"address";q=100;w=60',
    ),
    required: false,
  },
} as const;

/** Adds the headers of a rate limit to all responses of an operation. */
export function limitedResponses<Responses extends Record<string, { readonly headers: object }>>(
  responses: Responses,
): Responses {
  const limited = Object.entries(responses).map(([status, response]) => [
    status,
    { ...response, headers: { ...response.headers, ...rateLimitHeaders } },
  ]);
  return Object.fromEntries(limited) as Responses;
}

/** The problems of an operation when the service is overloaded, or when the client's budget is used up. */
export const exhaustionProblems = {
  429: problemResponse(
    429,
    'Requests are limited here, and this address has sent too many of them.',
    { detail: 'One address may send 100 requests in 60 s. Ask again in 17 s.' },
    retryAfterHeader,
  ),
  503: problemResponse(
    503,
    'The service cannot answer now. Ask again, or another replica.',
    { detail: 'The service has more to do than it can. Ask again in a second.' },
    retryAfterHeader,
  ),
} as const;
