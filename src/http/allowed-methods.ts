import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from '../net/target.ts';
import { Problem } from './problem.ts';

/** 404 for a path that is not served, and 405 with Allow for a method that it does not have. */
export function notFound(allowOf: AllowOf, request: FastifyRequest): Problem {
  const allow = allowOf(request);
  if (allow === undefined) return new Problem(404, 'Nothing is served at this path.');
  const list = allow.join(', ');
  return new Problem(405, `${request.method} is not allowed here. Allowed: ${list}.`, {
    headers: { allow: list },
  });
}

export function answerOptions(allowOf: AllowOf, request: FastifyRequest, reply: FastifyReply): void {
  const allow = allowOf(request);
  if (allow !== undefined) reply.header('allow', allow.join(', '));
  // Safari waits for the body of a 204 without a Content-Length.
  reply.code(204).header('content-length', '0').send();
}

/** The methods of Allow for a request's path (RFC 9110, section 10.2.1); undefined if the path is not served. */
export type AllowOf = (request: FastifyRequest) => readonly string[] | undefined;

/**
 * Collects the methods of each path from the routes as they are registered. The router itself cannot be asked: it takes a path for a
 * pattern, and an asterisk in it for a wildcard.
 */
export function collectAllowed(app: FastifyInstance): AllowOf {
  const allowed = new Map<string, readonly string[]>();
  app.addHook('onRoute', ({ method, url }) => {
    const methods = new Set([...(allowed.get(url) ?? []), ...[method].flat()]);
    allowed.set(
      url,
      methodOrder.filter((name) => methods.has(name) || name === 'OPTIONS'),
    );
  });
  return function allowOf(request) {
    if (request.originalUrl === '*') return ['GET', 'HEAD', 'OPTIONS'];
    return allowed.get(pathOf(request));
  };
}

const methodOrder = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'];
