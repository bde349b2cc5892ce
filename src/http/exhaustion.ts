import { header, problemResponse } from './openapi.ts';

const retryAfterHeader = { 'Retry-After': header('When to ask again, in seconds.', '1') } as const;

/** Of deployments that limit how much one address may ask for, as draft-ietf-httpapi-ratelimit-headers (08 and later) has them. */
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

/** The responses of an operation that may be limited. */
export function limitedResponses<Responses extends Record<string, { readonly headers: object }>>(
  responses: Responses,
): Responses {
  const limited = Object.entries(responses).map(([status, response]) => [
    status,
    { ...response, headers: { ...response.headers, ...rateLimitHeaders } },
  ]);
  return Object.fromEntries(limited) as Responses;
}

/** What is answered when the service, or one address' budget of it, is exhausted. */
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
