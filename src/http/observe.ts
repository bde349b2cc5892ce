import type { FastifyRequest } from 'fastify';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ServerSpan, SpanDescription, TraceCarrier } from '../telemetry/tracing.ts';
import type { App } from './instance.ts';
import type { Refusal } from './listener.ts';
import { pathOf } from './target.ts';

/** The route of what no route matched: a caller's path is never a label. */
const unmatched = 'unmatched';
const probes: readonly string[] = ['/livez', '/readyz'];

/** The methods that have a name of their own in metrics and spans; the others are _OTHER (semantic conventions for HTTP). */
const knownMethods: readonly string[] = [
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'TRACE',
  'CONNECT',
];

/**
 * Counts, times, traces and logs every request, from its first hook to the end of its answer, or to its caller's leaving
 * before that.
 */
export function observeRequests(app: App, { logger, metrics, tracing }: Telemetry): void {
  const spans = new WeakMap<FastifyRequest, ServerSpan>();

  app.addHook('onRequest', function begin(request, _reply, done) {
    metrics.active.http += 1;
    const span = tracing.start(request.headers as TraceCarrier, () => describeRequest(request));
    if (span) spans.set(request, span);
    done();
  });

  app.addHook('onResponse', function end(request, reply, done) {
    const { method } = request;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    const route = routeOf(request);
    metrics.active.http -= 1;
    metrics.httpRequests.series(methodOf(method), route, status).observe(durationMs / 1000);
    const span = spans.get(request);
    span?.end(
      { 'http.response.status_code': status, ...(status >= 500 && { 'error.type': String(status) }) },
      status >= 500,
    );
    const line = {
      requestId: request.id,
      ...span?.ids,
      method,
      route,
      // Without the query: names are the callers' own business.
      path: pathOf(request),
      status,
      durationMs: Math.round(durationMs * 1000) / 1000,
      ...(!reply.raw.writableFinished && { aborted: true }),
    };
    if (probes.includes(route)) logger.debug(line, 'request');
    else logger.info(line, 'request');
    done();
  });
}

/** The same for what never became a request: the parser refused it. It has no method, path or duration to speak of. */
export function observeRefusal({ logger, metrics }: Telemetry, { requestId, status, reason }: Refusal): void {
  metrics.httpRequests.series('_OTHER', unmatched, status).observe(0);
  logger.info({ requestId, route: unmatched, status, reason }, 'request refused');
}

function describeRequest(request: FastifyRequest): SpanDescription {
  const { headers, method } = request;
  const route = routeOf(request);
  return {
    name: route === unmatched ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': methodOf(method),
      'http.route': route,
      'url.path': pathOf(request),
      'url.scheme': request.protocol,
      'server.address': request.hostname,
      'client.address': request.ip,
      'network.protocol.version': request.raw.httpVersion,
      'user_agent.original': headers['user-agent'],
    },
  };
}

function routeOf(request: FastifyRequest): string {
  return request.is404 ? unmatched : (request.routeOptions.url ?? unmatched);
}

function methodOf(method: string): string {
  return knownMethods.includes(method) ? method : '_OTHER';
}
