import { networkOf } from '../net/client-address.ts';
import { defaultLimits } from '../net/limits.ts';
import type { AnswerRefusal, RefusalCode } from '../net/refusal.ts';
import { unmatchedRoute } from '../telemetry/recorder.ts';
import { makeRequestId } from '../telemetry/request-id.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Cors } from './cors.ts';
import { targetTooLong } from './guard.ts';
import { Problem, problemMediaType, renderProblem } from './problem.ts';

/** The problem for each refusal of the wire. */
const problems = {
  'not-http': new Problem(400, 'This is not an HTTP/1.1 request.'),
  'request-malformed': new Problem(400, 'The request is not valid HTTP/1.1.'),
  'request-timeout': new Problem(408, 'The request did not arrive in time.'),
  'headers-too-long': new Problem(
    431,
    `The request line and headers must have at most ${defaultLimits.maxHeaderBytes} bytes together.`,
  ),
  'target-too-long': targetTooLong,
  'target-not-encoded': new Problem(
    400,
    "The request target has characters that must be percent-encoded, for instance by curl -G --data-urlencode 'name=…'.",
  ),
  'method-unknown': new Problem(501, 'The request method is not known.'),
  // RFC 9110, section 9.3.6.
  'connect-method': new Problem(405, 'This service is not a proxy.', {
    headers: { allow: 'GET, HEAD, OPTIONS' },
  }),
} as const satisfies Record<RefusalCode, Problem>;

/** Builds the response for a request that the wire refused. No Fastify hook runs for it, so it is counted and logged here. */
export function createRefusalAnswer({ logger, recorder }: Telemetry, cors?: Cors): AnswerRefusal {
  return function answerRefusal({ code, peer, origin }) {
    const problem = problems[code];
    const { status, message: reason } = problem;
    const requestId = makeRequestId();
    recorder.requestRefused(status);
    const client = peer && networkOf(peer);
    logger.info({ requestId, route: unmatchedRoute, status, reason, client }, 'request refused');
    return {
      status,
      headers: {
        ...problem.headers,
        'content-type': problemMediaType,
        'x-request-id': requestId,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        ...(cors && corsHeaders(cors, origin)),
      },
      body: renderProblem(problem, requestId),
    };
  };
}

/** The headers by which a page of the origin may read the response. */
function corsHeaders(
  { allowedFor, exposedHeaders, vary }: Cors,
  origin: string | undefined,
): Record<string, string> {
  const allowed = allowedFor(origin);
  return {
    ...(vary && { vary }),
    ...(allowed !== undefined && { 'access-control-allow-origin': allowed }),
    'access-control-expose-headers': exposedHeaders,
  };
}
