import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isHost } from '../net/host.ts';
import { defaultLimits } from '../net/limits.ts';
import { type TargetFault, targetFault } from '../net/target.ts';
import { type AllowOf, answerOptions, collectAllowed, notFound } from './allowed-methods.ts';
import { Problem } from './problem.ts';

export interface Guard {
  /** The hook that refuses what no route should see, before any body is read, and that answers OPTIONS. */
  readonly guard: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
  /** Answers a request that no route takes. */
  readonly handleNotFound: (request: FastifyRequest) => never;
}

/** Create it before any route is registered: it collects the methods that each path allows. */
export function createGuard(app: FastifyInstance): Guard {
  const allowOf = collectAllowed(app);
  return {
    guard(request, reply, done) {
      const problem = targetProblem(request) ?? headerProblem(request.raw) ?? routeProblem(allowOf, request);
      if (problem !== undefined || request.method !== 'OPTIONS') done(problem);
      else answerOptions(allowOf, request, reply);
    },
    handleNotFound(request) {
      throw notFound(allowOf, request);
    },
  };
}

export const targetTooLong = new Problem(
  414,
  `The request target must have at most ${defaultLimits.maxTargetBytes} bytes.`,
);

const targetProblems = {
  'too-long': targetTooLong,
  'wrong-form': new Problem(400, 'The request target must be a path such as /greet?name=Alice, or a URL.'),
  'not-encoded': new Problem(
    400,
    'The request target is not percent-encoded UTF-8. Encode each value, as curl -G --data-urlencode does.',
  ),
  'not-a-url': new Problem(400, 'The request target is not a URL with a host.'),
} as const satisfies Record<TargetFault, Problem>;

function targetProblem(request: FastifyRequest): Problem | undefined {
  const fault = targetFault(request);
  return fault && targetProblems[fault];
}

/** RFC 9112, section 3.2, and RFC 9110, section 10.1.1. */
function headerProblem({ headers, httpVersion }: IncomingMessage): Problem | undefined {
  // Over HTTP/2, `:authority` replaces Host. If both are there, they must be equal (RFC 9113, section 8.3.1).
  const authority = headers[':authority'];
  const host = headers.host ?? authority;
  const isValid = typeof host === 'string' ? isKnownHost(host) : httpVersion === '1.0';
  if (!isValid || (authority !== undefined && authority !== host)) {
    return new Problem(400, 'The request must have one valid Host header.');
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return new Problem(417, 'The only supported expectation is 100-continue.');
  }
  // RFC 9112, section 6.1: an unknown coding.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new Problem(501, 'The only supported transfer coding is chunked.');
  }
  return undefined;
}

let lastHost = '';

/** {@link isHost}, but not calculated again for the host of the last request. Repeated headers arrive joined by ", ": not a host. */
function isKnownHost(host: string): boolean {
  if (host === lastHost) return true;
  if (!isHost(host)) return false;
  lastHost = host;
  return true;
}

/** A preflight is accepted on any path, so that a page can read the 404 that follows. */
function routeProblem(allowOf: AllowOf, request: FastifyRequest): Problem | undefined {
  if (request.method === 'OPTIONS') {
    const isAccepted =
      request.headers['access-control-request-method'] !== undefined || allowOf(request) !== undefined;
    return isAccepted ? undefined : notFound(allowOf, request);
  }
  return request.is404 ? notFound(allowOf, request) : undefined;
}
