import type { FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from './target.ts';

const probes = new Set(['/livez', '/readyz']);

/** Logs one line for an answered request, or for one whose caller left before the answer; probes at debug. */
export function observeResponse(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const route = request.routeOptions.url;
  const line = {
    requestId: request.id,
    method: request.method,
    route: route ?? 'unmatched',
    // Without the query: names are the callers' own business.
    path: pathOf(request),
    status: reply.statusCode,
    durationMs: Math.round(reply.elapsedTime * 1000) / 1000,
    ...(!reply.raw.writableFinished && { aborted: true }),
  };
  if (route !== undefined && probes.has(route)) request.log.debug(line, 'request');
  else request.log.info(line, 'request');
  done();
}
