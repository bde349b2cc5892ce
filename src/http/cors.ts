import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import { rateLimitHeaders } from './responses.ts';

/** How pages of other origins may read responses (https://fetch.spec.whatwg.org/#http-cors-protocol). */
export interface Cors {
  /** The value of Access-Control-Allow-Origin for a page of this origin; undefined if it may not read. */
  allowedFor(origin: string | undefined): string | undefined;
  /** The same value for all origins, if every origin is allowed. */
  readonly everyOrigin: '*' | undefined;
  readonly exposedHeaders: string;
  /** The request header that every response depends on; undefined if every origin is allowed. */
  readonly vary: 'Origin' | undefined;
}

/** How long a browser may cache a preflight, in seconds. No browser caches one for longer than this. */
const preflightMaxAge = 86_400;

export function createCors({ corsOrigins, rateLimit }: Pick<Config, 'corsOrigins' | 'rateLimit'>): Cors {
  const exposed = ['X-Request-Id', 'Retry-After', ...(rateLimit.maxRequests > 0 ? rateLimitHeaders : [])];
  const exposedHeaders = exposed.join(', ');
  if (corsOrigins === '*')
    return { allowedFor: () => '*', everyOrigin: '*', exposedHeaders, vary: undefined };
  const allowed = new Map<string | undefined, string>(corsOrigins.map((origin) => [origin, origin]));
  return {
    allowedFor: (origin) => allowed.get(origin),
    everyOrigin: undefined,
    exposedHeaders,
    vary: 'Origin',
  };
}

/** Adds the headers by which a preflight is allowed. The guard answers it. */
export function allowPreflight({ headers }: FastifyRequest, reply: FastifyReply): void {
  const asked = headers['access-control-request-headers'];
  reply.headers({
    'access-control-allow-methods': 'GET, HEAD',
    vary: 'Access-Control-Request-Headers',
    ...(asked !== undefined && { 'access-control-allow-headers': asked }),
    'access-control-max-age': String(preflightMaxAge),
  });
}
