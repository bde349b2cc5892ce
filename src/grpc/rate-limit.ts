import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Admit } from './unary.ts';

/** Takes each call from its client's budget, which is the same one as over HTTP. */
export function createAdmit({ clientOf, count, maxRequests, refuse }: RateLimit): Admit {
  return function admit(call) {
    // Without brackets, also where the address is IPv6.
    const peer = call.getPeer().replace(/:\d+$/, '');
    const { used, leftMs } = count(clientOf(peer, call.metadata.get('x-forwarded-for').join(',')));
    if (used > maxRequests) throw refuse(leftMs);
  };
}
