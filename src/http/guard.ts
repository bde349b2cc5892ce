import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';
import { pathOf, refuseTarget } from './target.ts';

export interface Guard {
  /** The hook that refuses what no route should see, before any body is read, and answers OPTIONS. */
  readonly guard: (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void;
  /** For a route that finds nothing behind its wildcard: the same answer as for a path without a route. */
  readonly handleNotFound: (request: FastifyRequest) => never;
}

/** To be created before any route is registered: it learns from them what each path allows. */
export function createGuard(app: FastifyInstance): Guard {
  const allowOf = gatherAllowed(app);
  return {
    guard(request, reply, done) {
      const problem = refuseTarget(request) ?? refuseHeaders(request.raw) ?? refuseRoute(allowOf, request);
      if (problem !== undefined || request.method !== 'OPTIONS') done(problem);
      else answerOptions(allowOf, request, reply);
    },
    handleNotFound(request) {
      throw describeAbsence(allowOf, request);
    },
  };
}

// RFC 3986, sections 3.2.2 and 3.2.3: the characters of a host and a port.
const host = /^[\w.~!$&'()*+;=%:[\]-]*$/;

/**
 * RFC 9112, section 3.2, and RFC 9110, section 10.1.1. Repeated Host lines arrive joined by a comma, which no host contains. Over
 * HTTP/2 `:authority` stands for Host (RFC 9113, section 8.3.1).
 */
function refuseHeaders({ headers, httpVersion }: IncomingMessage): Problem | undefined {
  const name = headers.host ?? headers[':authority'];
  if (typeof name !== 'string' ? httpVersion !== '1.0' : !host.test(name)) {
    return new Problem(400, 'The request must have one valid Host header.');
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return new Problem(417, 'The only expectation met is 100-continue.');
  }
  // RFC 9112, section 6.1: a coding that is not understood.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new Problem(501, 'The only transfer coding understood is chunked.');
  }
  return undefined;
}

/** Preflights are welcome on any path, so that a page may read the 404 that follows. */
function refuseRoute(allowOf: AllowOf, request: FastifyRequest): Problem | undefined {
  if (request.method === 'OPTIONS') {
    const welcome =
      request.headers['access-control-request-method'] !== undefined || allowOf(request) !== undefined;
    return welcome ? undefined : describeAbsence(allowOf, request);
  }
  return request.is404 ? describeAbsence(allowOf, request) : undefined;
}

function describeAbsence(allowOf: AllowOf, request: FastifyRequest): Problem {
  const allow = allowOf(request);
  // A method that is allowed came to nothing behind a wildcard.
  if (allow === undefined || allow.includes(request.method))
    return new Problem(404, 'Nothing is served at this path.');
  const list = allow.join(', ');
  return new Problem(405, `${request.method} is not allowed here; allowed are ${list}.`, {
    headers: { allow: list },
  });
}

function answerOptions(allowOf: AllowOf, request: FastifyRequest, reply: FastifyReply): void {
  const allow = allowOf(request);
  if (allow !== undefined) reply.header('allow', allow.join(', '));
  // Safari waits for the body of a 204 that does not say it has none.
  reply.code(204).header('content-length', '0').send();
}

/** The methods of Allow for a request's path (RFC 9110, section 10.2.1); undefined where nothing is served. */
type AllowOf = (request: FastifyRequest) => readonly string[] | undefined;

/**
 * Gathers what each path allows from the routes as they are registered. The router cannot be asked: it takes a path for a
 * pattern, and an asterisk in one for a wildcard.
 */
function gatherAllowed(app: FastifyInstance): AllowOf {
  const exact = new Map<string, readonly string[]>();
  const wildcards = new Map<string, readonly string[]>();
  app.addHook('onRoute', ({ method, url }) => {
    const [table, path] = url.endsWith('*') ? [wildcards, url.slice(0, -1)] : [exact, url];
    const methods = new Set([...(table.get(path) ?? []), ...[method].flat()]);
    table.set(
      path,
      order.filter((name) => methods.has(name) || name === 'OPTIONS'),
    );
  });
  return function allowOf(request) {
    if (request.originalUrl === '*') return ['GET', 'HEAD', 'OPTIONS'];
    const path = pathOf(request);
    const found = exact.get(path);
    if (found !== undefined) return found;
    for (const [prefix, methods] of wildcards) if (path.startsWith(prefix)) return methods;
    return undefined;
  };
}

const order = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'];
