import type { Config } from '../config/config.ts';
import { askToReconnect } from '../net/ask-to-reconnect.ts';
import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Readiness } from '../resilience/readiness.ts';
import { unmatchedRoute } from '../telemetry/recorder.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { allowPreflight, type Cors, createCors } from './cors.ts';
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

  const cors = createCors(config);
  app.decorateRequest('head');
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
    request.head = ['x-request-id', request.id, 'x-content-type-options', 'nosniff'];
    // A new connection leads to another replica.
    if (readiness.state === 'draining') askToReconnect(raw, request.head);
    const allowed = cors.everyOrigin ?? cors.allowedFor(request.headers.origin);
    if (allowed !== undefined) request.head.push('access-control-allow-origin', allowed);
    request.head.push('access-control-expose-headers', cors.exposedHeaders);
    if (request.method === 'OPTIONS') allowPreflight(request, reply);
    done();
  });
  app.addHook('onSend', function addHead({ head }, reply, payload, done) {
    for (let at = 0; at < head.length; at += 2) reply.header(head[at] as string, head[at + 1]);
    const vary = [cors.vary, reply.getHeader('vary')].filter(Boolean);
    if (vary.length > 0) reply.header('vary', vary.join(', '));
    done(null, payload);
  });
  // The guard answers every OPTIONS. With this route they share one label in metrics and logs.
  app.options('*', () => {});
  if (rateLimit) app.addHook('onRequest', limitRate(rateLimit));
  const { guard, handleNotFound } = createGuard(app);
  app.addHook('onRequest', guard);
  app.setNotFoundHandler(handleNotFound);

  await registerRoutes(app, { operations, readiness, vary: cors.vary });
  await app.register(docsRoutes);

  // The routes above report their ends by a hook of their own.
  const endUnmatched = observeRoute(unmatchedRoute, telemetry, begun);
  app.addHook('onResponse', function end(request, reply, done) {
    if (request.is404) endUnmatched(request, reply, done);
    else done();
  });
  return app;
}

/** The routes that the OpenAPI document describes. */
export async function registerRoutes(
  app: App,
  {
    operations,
    readiness,
    vary,
  }: Pick<AppOptions, 'operations' | 'readiness'> & { readonly vary?: Cors['vary'] },
): Promise<void> {
  await app.register(async (scope: App) => {
    for (const operation of operations) registerOperation(scope, operation, vary);
  });
  await app.register(healthRoutes, { readiness });
}
