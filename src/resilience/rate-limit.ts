import type { Config } from '../config/config.ts';
import { type ClientOf, createClientOf } from './client-address.ts';
import { ServiceError } from './service-error.ts';

/** Clients remembered at once, at less than 200 bytes each: with one more, the half whose windows began first is forgotten. */
export const maxClients = 50_000;

/** A client's requests since the first of its window. */
export interface Usage {
  readonly used: number;
  /** Until the window ends, in milliseconds: more than 0. */
  readonly leftMs: number;
}

/**
 * A budget of requests for each client, the same one for all transports. It lives in this process: each replica has its own,
 * and a restart forgets them.
 */
export interface RateLimit {
  readonly maxRequests: number;
  readonly windowMs: number;
  readonly clientOf: ClientOf;
  /** Counts one more request of a client; also those beyond the budget, which do not make its window longer. */
  count(client: string): Usage;
  /** What to tell a client that has used up its budget, in words and in whole seconds. */
  refuse(leftMs: number): ServiceError;
}

/** Undefined when there is no limit, so that nothing is spent on it. */
export function createRateLimit({
  rateLimit: { maxRequests, windowMs },
  trustedProxies,
}: Pick<Config, 'rateLimit' | 'trustedProxies'>): RateLimit | undefined {
  if (maxRequests === 0) return undefined;
  // Two generations rather than one queue: a Map whose first entries were deleted is slow to find the first that is left.
  let younger = new Map<string, Window>();
  let older = new Map<string, Window>();
  let olderEndAt = 0;
  return {
    maxRequests,
    windowMs,
    clientOf: createClientOf(trustedProxies),
    count(client) {
      const now = performance.now();
      const known = younger.get(client) ?? older.get(client);
      if (known !== undefined && known.endsAt > now) {
        known.used += 1;
        return { used: known.used, leftMs: known.endsAt - now };
      }
      if (younger.size >= maxClients / 2 || olderEndAt <= now) {
        older = younger;
        younger = new Map();
        olderEndAt = now + windowMs;
      }
      younger.set(client, { used: 1, endsAt: now + windowMs });
      return { used: 1, leftMs: windowMs };
    },
    refuse(leftMs) {
      const retryAfterSeconds = Math.ceil(leftMs / 1_000);
      return new ServiceError(
        'limited',
        `One address may send ${maxRequests === 1 ? '1 request' : `${maxRequests} requests`} in ${windowMs / 1_000} s. Ask again in ${retryAfterSeconds} s.`,
        { retryAfterSeconds },
      );
    },
  };
}

interface Window {
  used: number;
  readonly endsAt: number;
}
