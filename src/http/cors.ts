import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import { rateLimitHeaders } from './responses.ts';

type Headers = Readonly<Record<string, string>>;

/** The headers by which a page of the given origin may read a response (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export type CorsHeadersOf = (origin: string | undefined) => Headers;

/** How long a browser may keep a preflight, in seconds: the longest that any browser does. */
const preflightMaxAge = 86_400;

/** Makes the headers for each allowed origin in advance. Without a list of origins, responses do not vary by origin. */
export function createCorsHeaders({
  corsOrigins,
  rateLimit,
}: Pick<Config, 'corsOrigins' | 'rateLimit'>): CorsHeadersOf {
  const exposed = ['X-Request-Id', 'Retry-After', ...(rateLimit.maxRequests > 0 ? rateLimitHeaders : [])];
  const expose = { 'access-control-expose-headers': exposed.join(', ') };
  if (corsOrigins === '*') {
    const everyone = { 'access-control-allow-origin': '*', ...expose };
    return () => everyone;
  }
  const others = { vary: 'Origin', ...expose };
  const allowed = new Map<string | undefined, Headers>(
    corsOrigins.map((origin) => [
      origin,
      { vary: 'Origin', 'access-control-allow-origin': origin, ...expose },
    ]),
  );
  return (origin) => allowed.get(origin) ?? others;
}

/** Allows what a preflight asks for. The guard answers it. */
export function allowPreflight({ headers }: FastifyRequest, reply: FastifyReply): void {
  const vary = reply.getHeader('vary');
  const asked = headers['access-control-request-headers'];
  reply.headers({
    'access-control-allow-methods': 'GET, HEAD',
    vary: [vary, 'Access-Control-Request-Headers'].filter(Boolean).join(', '),
    ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    'access-control-max-age': String(preflightMaxAge),
  });
}
