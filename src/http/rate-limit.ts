import type { FastifyRequest } from 'fastify';
import type { RateLimit } from '../resilience/rate-limit.ts';
import type { App } from './instance.ts';
import { probePaths } from './routes/health.ts';

/**
 * Takes each request from its client's budget, and says with each answer what is left of it: `RateLimit` and `RateLimit-Policy`
 * as draft-ietf-httpapi-ratelimit-headers has them from its eighth version on. The plugin itself speaks an older one, whose
 * three fields are gone from it.
 */
export async function limitRequests(app: App, limit: RateLimit): Promise<void> {
  const { maxRequests, windowMs, clientOf, count, refuse } = limit;
  const { default: rateLimit } = await import('@fastify/rate-limit');
  await app.register(rateLimit, {
    global: false,
    max: maxRequests,
    timeWindow: windowMs,
    keyGenerator: ({ raw, headers }) =>
      clientOf(raw.socket.remoteAddress, headers['x-forwarded-for']?.toString()),
    // The budget that gRPC takes from as well.
    store: class {
      incr(client: string, callback: (error: null, usage: { current: number; ttl: number }) => void) {
        const { used, leftMs } = count(client);
        callback(null, { current: used, ttl: leftMs });
      }
      child() {
        return this;
      }
    },
  });
  const take = app.createRateLimit();
  const policy = `"address";q=${maxRequests};w=${Math.ceil(windowMs / 1_000)}`;

  app.addHook('onRequest', async function limitRate(request, reply) {
    if (isExempt(request)) return;
    const usage = await take(request);
    if (usage.isAllowed) return;
    reply
      .header('ratelimit-policy', policy)
      .header('ratelimit', `"address";r=${usage.remaining};t=${usage.ttlInSeconds}`);
    if (usage.isExceeded) throw refuse(usage.ttl);
  });
}

/**
 * Probes, or the orchestrator would restart a replica whose clients are many. And OPTIONS: a page cannot read the refusal of its
 * preflight, and a refusal costs as much as the answer.
 */
function isExempt({ method, routeOptions }: FastifyRequest): boolean {
  return method === 'OPTIONS' || probePaths.includes(routeOptions.url ?? '');
}
