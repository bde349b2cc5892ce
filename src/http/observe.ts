import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Refusal } from '../net/http1/parser-errors.ts';
import { toFields } from '../telemetry/access-log.ts';
import { type DurationSeries, getOrAdd } from '../telemetry/duration-histogram.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { ServerSpan, SpanDescription, TraceCarrier } from '../telemetry/tracing.ts';
import type { App } from './instance.ts';
import { probePaths } from './routes/health.ts';
import { pathOf } from './target.ts';

/** The route of what no route matched: a caller's path is never a label. */
const unmatched = 'unmatched';

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

/** What all requests of one method, route and status have in common, prepared when the first of them ends. */
interface Outcome {
  readonly series: DurationSeries;
  readonly fields: string;
  /** The same with the route as the path, which it is unless it has parameters. */
  readonly fieldsWithPath: string;
}

/**
 * Counts, times, traces and logs every request, from its first hook to the end of its answer, or to its caller's leaving
 * before that.
 *
 * @returns what does the same for requests that no route matches. To be called when all routes are registered: their scopes have
 * their own hooks by then, and are spared a second one.
 */
export function observeRequests(app: App, { accessLog, metrics, tracing }: Telemetry): () => void {
  const { active, httpRequests } = metrics;
  const spans = new WeakMap<FastifyRequest, ServerSpan>();

  app.addHook('onRequest', function begin(request, _reply, done) {
    active.http += 1;
    const span = tracing.start(request.headers as TraceCarrier, () => describeRequest(request));
    if (span) spans.set(request, span);
    done();
  });

  /** The hook that ends the requests of a route. */
  const createEnd = (route: string) => {
    const outcomes = new Map<string, Map<number, Outcome>>();
    const write = probePaths.includes(route) ? accessLog.debug : accessLog.info;

    const prepareOutcome = (method: string, status: number): Outcome => {
      const fields = toFields({ method, route, status });
      return {
        series: httpRequests.series(methodOf(method), route, status),
        fields,
        fieldsWithPath: fields + toFields({ path: route }),
      };
    };
    return function end(request: FastifyRequest, reply: FastifyReply, done: () => void) {
      const { statusCode: status, elapsedTime: durationMs } = reply;
      active.http -= 1;
      const byStatus = getOrAdd(outcomes, request.method, () => new Map());
      const { series, fields, fieldsWithPath } = getOrAdd(byStatus, status, () =>
        prepareOutcome(request.method, status),
      );
      series.observe(durationMs / 1000);
      const span = spans.get(request);
      span?.end(
        { 'http.response.status_code': status, ...(status >= 500 && { 'error.type': String(status) }) },
        status >= 500,
      );
      // Without the query: names are the callers' own business.
      const path = pathOf(request);
      const known = path === route ? fieldsWithPath : fields + toFields({ path });
      write({
        requestId: request.id,
        span,
        fields: reply.raw.writableFinished ? known : known + toFields({ aborted: true }),
        durationMs,
        msg: 'request',
      });
      done();
    };
  };

  // Known to each route's own hook, its name need not be asked for.
  app.addHook('onRoute', (route) => {
    route.onResponse = createEnd(route.url);
  });
  return function observeUnmatched() {
    const endUnmatched = createEnd(unmatched);
    app.addHook('onResponse', (request, reply, done) => {
      if (request.is404) endUnmatched(request, reply, done);
      else done();
    });
  };
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
      'network.protocol.version': request.raw.httpVersion.replace(/^2\.0$/, '2'),
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
