import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';
import { pathOf, refuseTarget } from './target.ts';

/** The hook that refuses what no route should see, before any body is read, and answers OPTIONS. */
export function createGuard(app: FastifyInstance) {
  return function guard(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const problem = refuseTarget(request) ?? refuseHeaders(request.raw) ?? refuseRoute(app, request);
    if (problem !== undefined || request.method !== 'OPTIONS') done(problem);
    else answerOptions(app, request, reply);
  };
}

/** For a route that finds nothing behind its wildcard: the same answer as for a path without a route. */
export function createNotFoundHandler(app: FastifyInstance) {
  return function handleNotFound(request: FastifyRequest): never {
    throw describeAbsence(app, request);
  };
}

// RFC 3986, sections 3.2.2 and 3.2.3: the characters of a host and a port.
const host = /^[\w.~!$&'()*+;=%:[\]-]*$/;

/** RFC 9112, section 3.2, and RFC 9110, section 10.1.1. Repeated Host lines arrive joined by a comma, which no host contains. */
function refuseHeaders({ headers, httpVersion }: IncomingMessage): Problem | undefined {
  if (headers.host === undefined ? httpVersion === '1.1' : !host.test(headers.host)) {
    return new Problem(400, 'The request must have one valid Host header.');
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return new Problem(417, 'The only expectation met is 100-continue.');
  }
  return undefined;
}

/** Preflights are welcome on any path, so that a page may read the 404 that follows. */
function refuseRoute(app: FastifyInstance, request: FastifyRequest): Problem | undefined {
  if (request.method === 'OPTIONS') {
    const welcome =
      request.headers['access-control-request-method'] !== undefined || allowOf(app, request) !== undefined;
    return welcome ? undefined : describeAbsence(app, request);
  }
  return request.is404 ? describeAbsence(app, request) : undefined;
}

function describeAbsence(app: FastifyInstance, request: FastifyRequest): Problem {
  const allow = allowOf(app, request);
  if (allow === undefined) return new Problem(404, 'Nothing is served at this path.');
  return new Problem(405, `${request.method} is not allowed here; allowed are ${allow}.`, {
    headers: { allow },
  });
}

function answerOptions(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  const allow = allowOf(app, request);
  if (allow !== undefined) reply.header('allow', allow);
  // Safari waits for the body of a 204 that does not say it has none.
  reply.code(204).header('content-length', '0').send();
}

/** The value of Allow for the path (RFC 9110, section 10.2.1); undefined where nothing is served. */
function allowOf(app: FastifyInstance, request: FastifyRequest): string | undefined {
  if (request.originalUrl === '*') return 'GET, HEAD, OPTIONS';
  const url = pathOf(request);
  const methods = (['GET', 'HEAD', 'PUT', 'DELETE'] as const).filter((method) =>
    app.hasRoute({ method, url }),
  );
  return methods.length === 0 ? undefined : [...methods, 'OPTIONS'].join(', ');
}
