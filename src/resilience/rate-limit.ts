import type { Config } from '../config/config.ts';
import { type ClientOf, createClientOf } from '../net/client-address.ts';
import { ServiceError } from './service-error.ts';

/** Clients in memory, at less than 200 bytes each. Beyond this, the half with the oldest windows is dropped. */
export const maxClients = 50_000;

/** The use of a client's budget in its current window. */
export interface Usage {
  readonly used: number;
  /** Time until the window ends, in milliseconds; more than 0. */
  readonly leftMs: number;
}

/** A budget of requests for each client, shared by all transports. It is kept in memory: each replica has its own. */
export interface RateLimit {
  readonly maxRequests: number;
  readonly windowMs: number;
  readonly clientOf: ClientOf;
  /** Counts a request of the client. A request over the budget is counted too, and does not extend the window. */
  count(client: string): Usage;
  /** The error for a client over its budget; it says when to retry, in whole seconds. */
  limitError(leftMs: number): ServiceError;
}

/** Undefined if there is no limit, so that it costs nothing. */
export function createRateLimit({
  rateLimit: { maxRequests, windowMs },
  trustedProxies,
}: Pick<Config, 'rateLimit' | 'trustedProxies'>): RateLimit | undefined {
  if (maxRequests === 0) return undefined;
  // Two generations instead of one queue: a Map is slow to find its first entry after many first entries were deleted.
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
    limitError(leftMs) {
      const retryAfterSeconds = Math.ceil(leftMs / 1_000);
      return new ServiceError(
        'limited',
        `One address may send ${maxRequests === 1 ? '1 request' : `${maxRequests} requests`} in ${windowMs / 1_000} s. Try again in ${retryAfterSeconds} s.`,
        { retryAfterSeconds },
      );
    },
  };
}

interface Window {
  used: number;
  readonly endsAt: number;
}
