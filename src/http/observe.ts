import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { methodLabel, unmatchedRoute } from '../telemetry/recorder.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ServerSpan, SpanDescription } from '../telemetry/tracing.ts';
import { clientLeftStatus } from './problem.ts';
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
    const isAborted = !isSent(reply.raw);
    metrics.active.http -= 1;
    recorder.requestEnded({
      requestId: request.id,
      span: spans.get(request),
      method: request.method,
      route,
      // Never the query: names are the clients' own business.
      path: originalUrl === route || originalUrl.startsWith(routeWithQuery) ? route : pathOf(request),
      // Whatever the service would have sent, its client left before that.
      status: isAborted ? clientLeftStatus : reply.statusCode,
      durationMs: reply.elapsedTime,
      isAborted,
      isProbe,
    });
    done();
  };
}

/** Whether the whole response was handed over. Over HTTP/2, Node says that it has finished a response which a reset has thrown away. */
function isSent(response: ServerResponse | Http2ServerResponse): boolean {
  if (!response.writableFinished || !('stream' in response)) return response.writableFinished;
  return response.headersSent && response.stream.rstCode === constants.NGHTTP2_NO_ERROR;
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
