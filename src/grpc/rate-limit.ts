import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Admit } from './unary.ts';

/** Takes each call from its client's budget, the same one as over HTTP. */
export function limitRate({ clientOf, count, maxRequests, limitError }: RateLimit): Admit {
  return function limitCall(call) {
    // grpc-js writes an IPv6 address without brackets, too.
    const peer = call.getPeer().replace(/:\d+$/, '');
    const { used, leftMs } = count(clientOf(peer, call.metadata.get('x-forwarded-for').join(',')));
    if (used > maxRequests) throw limitError(leftMs);
  };
}
