import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import cors from '@fastify/cors';
import type { FastifyReply } from 'fastify';
import type { Config } from '../config/config.ts';
import type { GreetOperation } from '../greeting/greeting.ts';
import { askToLeave } from '../net/http2/goaway.ts';
import type { RateLimit } from '../resilience/rate-limit.ts';
import type { Readiness } from '../resilience/readiness.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { docsRoutes } from './docs.ts';
import { rateLimitHeaders } from './exhaustion.ts';
import { createGuard } from './guard.ts';
import { type App, createInstance } from './instance.ts';
import { observeRequests } from './observe.ts';
import { limitRequests } from './rate-limit.ts';
import { greetRoutes } from './routes/greet.ts';
import { healthRoutes } from './routes/health.ts';

export interface AppOptions {
  readonly config: Pick<Config, 'corsOrigins' | 'trustedProxies'>;
  readonly greet: GreetOperation;
  readonly rateLimit?: RateLimit | undefined;
  readonly readiness: Readiness;
  readonly telemetry: Telemetry;
}

/** How long a browser may remember a preflight, in seconds: the longest that any of them does. */
const preflightMaxAge = 86_400;

/** The public application. A request passes what follows from top to bottom. */
export async function buildApp({ config, greet, rateLimit, readiness, telemetry }: AppOptions): Promise<App> {
  const app = createInstance(telemetry.logger, config.trustedProxies);

  const observeUnmatched = observeRequests(app, telemetry);
  app.addHook('onRequest', function identify(request, reply, done) {
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    // While draining, every answer asks its client to come back on another connection, that is, to another replica.
    if (readiness.state === 'draining') sendElsewhere(request.raw, reply);
    done();
  });
  const readable = ['X-Request-Id', 'Retry-After', ...(rateLimit ? Object.keys(rateLimitHeaders) : [])];
  await app.register(cors, {
    origin: config.corsOrigins === '*' ? '*' : [...config.corsOrigins],
    methods: ['GET', 'HEAD'],
    exposedHeaders: readable.join(', '),
    maxAge: preflightMaxAge,
    // The guard answers OPTIONS, after this plugin has set its headers.
    preflightContinue: true,
    strictPreflight: false,
  });
  if (rateLimit) await limitRequests(app, rateLimit);
  const { guard, handleNotFound } = createGuard(app);
  app.addHook('onRequest', guard);
  app.setNotFoundHandler(handleNotFound);

  await registerRoutes(app, { greet, readiness });
  await app.register(docsRoutes, { handleNotFound });
  observeUnmatched();
  return app;
}

/** `Connection: close`, or over HTTP/2, which has no such header, what stands for it there. */
function sendElsewhere(request: IncomingMessage | Http2ServerRequest, reply: FastifyReply): void {
  if (!('stream' in request)) reply.header('connection', 'close');
  else if (request.stream.session) askToLeave(request.stream.session);
}

/** The routes that the OpenAPI document describes. */
export async function registerRoutes(
  app: App,
  { greet, readiness }: Pick<AppOptions, 'greet' | 'readiness'>,
): Promise<void> {
  await app.register(greetRoutes, { greet });
  await app.register(healthRoutes, { readiness });
}
