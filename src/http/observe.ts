import type { FastifyReply, FastifyRequest } from 'fastify';
import { methodLabel, unmatchedRoute } from '../telemetry/recorder.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ServerSpan, SpanDescription } from '../telemetry/tracing.ts';
import { probePaths } from './routes/health.ts';
import { pathOf } from './target.ts';

/** The spans of the requests in progress that are traced. */
export type Spans = WeakMap<FastifyRequest, ServerSpan>;

type OnResponse = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Creates the hook that reports the end of a request, for one route: it was answered, or its client left. */
export function observeRoute(route: string, { metrics, recorder }: Telemetry, spans: Spans): OnResponse {
  const isProbe = probePaths.includes(route);
  const routeWithQuery = `${route}?`;
  return function end(request, reply, done) {
    const { originalUrl } = request;
    metrics.active.http -= 1;
    recorder.requestEnded({
      requestId: request.id,
      span: spans.get(request),
      method: request.method,
      route,
      // Never the query: names are the clients' own business.
      path: originalUrl === route || originalUrl.startsWith(routeWithQuery) ? route : pathOf(request),
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      isAborted: !reply.raw.writableFinished,
      isProbe,
    });
    done();
  };
}

/** The span of a request, by the OpenTelemetry semantic conventions for HTTP. */
export function describeRequest(request: FastifyRequest): SpanDescription {
  const { headers, method } = request;
  const route = request.is404 ? unmatchedRoute : (request.routeOptions.url ?? unmatchedRoute);
  return {
    name: route === unmatchedRoute ? method : `${method} ${route}`,
    attributes: {
      'http.request.method': methodLabel(method),
      'http.route': route,
      'url.path': pathOf(request),
      'url.scheme': request.protocol,
      'server.address': request.hostname,
      'client.address': request.ip,
      'network.protocol.version': request.raw.httpVersion.replace(/^2\.0$/, '2'),
      'user_agent.original': headers['user-agent'],
    },
  };
}
