import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { FastifyReply } from 'fastify';
import type { Config } from '../config/config.ts';
import { sendGoaway } from '../net/http2/goaway.ts';
import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Readiness } from '../resilience/readiness.ts';
import { unmatchedRoute } from '../telemetry/recorder.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { allowPreflight, createCorsHeaders } from './cors.ts';
import { docsRoutes } from './docs.ts';
import { createGuard } from './guard.ts';
import { type App, createInstance } from './instance.ts';
import { type Begun, observeRoute, startSpan } from './observe.ts';
import { type RoutedOperation, registerOperation } from './operation-route.ts';
import { limitRate } from './rate-limit.ts';
import { healthRoutes } from './routes/health.ts';

export interface AppOptions {
  readonly config: Pick<Config, 'corsOrigins' | 'rateLimit' | 'trustedProxies'>;
  readonly operations: readonly RoutedOperation[];
  readonly rateLimit?: RateLimit | undefined;
  readonly readiness: Readiness;
  readonly telemetry: Telemetry;
}

/** The public application. Every request passes these hooks from top to bottom. */
export async function buildApp(options: AppOptions): Promise<App> {
  const { config, operations, rateLimit, readiness, telemetry } = options;
  const { metrics, tracing } = telemetry;
  const app = createInstance(telemetry.logger, config.trustedProxies);

  const corsHeadersOf = createCorsHeaders(config);
  const begun: Begun = { spans: new WeakMap(), http2Peers: new WeakMap() };
  app.addHook('onRoute', (route) => {
    route.onResponse = observeRoute(route.url, telemetry, begun);
  });
  app.addHook('onRequest', function begin(request, reply, done) {
    metrics.active.http += 1;
    const { raw } = request;
    if (raw.httpVersionMajor === 2) begun.http2Peers.set(request, raw.socket.remoteAddress);
    if (tracing.startsTraces || request.headers.traceparent !== undefined)
      startSpan(request, telemetry, begun);
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    // In a drain, every response asks its client to open another connection, which leads to another replica.
    if (readiness.state === 'draining') closeConnection(raw, reply);
    reply.headers(corsHeadersOf(request.headers.origin));
    if (request.method === 'OPTIONS') allowPreflight(request, reply);
    done();
  });
  // The guard answers every OPTIONS. With this route they share one label in metrics and logs.
  app.options('*', () => {});
  if (rateLimit) app.addHook('onRequest', limitRate(rateLimit));
  const { guard, handleNotFound } = createGuard(app);
  app.addHook('onRequest', guard);
  app.setNotFoundHandler(handleNotFound);

  await registerRoutes(app, { operations, readiness });
  await app.register(docsRoutes);

  // Added last, so that the routes above, which have a hook of their own, do not run it.
  const endUnmatched = observeRoute(unmatchedRoute, telemetry, begun);
  app.addHook('onResponse', function end(request, reply, done) {
    if (request.is404) endUnmatched(request, reply, done);
    else done();
  });
  return app;
}

/** `Connection: close`, or a GOAWAY over HTTP/2, which has no such header. */
function closeConnection(request: IncomingMessage | Http2ServerRequest, reply: FastifyReply): void {
  if (!('stream' in request)) reply.header('connection', 'close');
  else if (request.stream.session) sendGoaway(request.stream.session);
}

/** The routes that the OpenAPI document describes. */
export async function registerRoutes(
  app: App,
  { operations, readiness }: Pick<AppOptions, 'operations' | 'readiness'>,
): Promise<void> {
  await app.register(async (scope: App) => {
    for (const operation of operations) registerOperation(scope, operation);
  });
  await app.register(healthRoutes, { readiness });
}
