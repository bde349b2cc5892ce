import type { onRequestHookHandler } from 'fastify';
import { peerAddress } from '../net/peer-address.ts';
import type { RateLimit } from '../resilience/rate-limit.ts';
import { isProbe } from './routes/health.ts';

/**
 * The hook that takes each request from its client's budget. The response says what is left of it, in `RateLimit` and `RateLimit-Policy`
 * (draft-ietf-httpapi-ratelimit-headers, from version 08 on).
 *
 * Two kinds of requests are free. Probes: an orchestrator would restart a replica whose probes are refused. OPTIONS: a page cannot read
 * why its preflight was refused, and a refusal costs as much as the answer.
 */
export function limitRate({
  maxRequests,
  windowMs,
  clientOf,
  count,
  limitError,
}: RateLimit): onRequestHookHandler {
  const policy = `"address";q=${maxRequests};w=${Math.ceil(windowMs / 1_000)}`;
  return function limitRequest(request, _reply, done) {
    if (request.method === 'OPTIONS' || isProbe(request.routeOptions.url)) return done();
    const { raw, headers } = request;
    const client = clientOf(peerAddress(raw.socket), headers['x-forwarded-for'] as string | undefined);
    const { used, leftMs } = count(client);
    const remaining = Math.max(0, maxRequests - used);
    request.head.push('ratelimit-policy', policy);
    request.head.push('ratelimit', `"address";r=${remaining};t=${Math.ceil(leftMs / 1_000)}`);
    done(used > maxRequests ? limitError(leftMs) : undefined);
  };
}
