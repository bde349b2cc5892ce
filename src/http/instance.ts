import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
  type RawServerDefault,
} from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { takeRequestId } from '../telemetry/request-id.ts';
import { handleError } from './errors.ts';
import { routeMalformed } from './target.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

type CompilersFactory = NonNullable<FastifyServerOptions['schemaController']>['compilersFactory'];

/** Zod for input and output, from the start: what is set later takes the place of compilers that have been loaded by then. */
const compilersFactory = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as NonNullable<CompilersFactory>;

/** The largest body read, in bytes; the longest any route takes is the admin listener's. */
const bodyLimit = 1_024;

/**
 * A Fastify instance as every listener here starts from it: zod for input and output, problems for errors, our request ids.
 * What trusted proxies say of a request's origin in `X-Forwarded-*` is believed.
 */
export function createInstance(logger: FastifyBaseLogger, trustedProxies: readonly string[] = []): App {
  const app = Fastify({
    loggerInstance: logger,
    // The access line carries the id itself: a child logger for each request would cost more than the line.
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    // Repeated headers arrive joined by a comma, which no acceptable id contains.
    genReqId: (request) => takeRequestId(request.headers['x-request-id']),
    requestIdHeader: false,
    rewriteUrl: routeMalformed,
    bodyLimit,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    // The drain is the listener's: it serves until the last connection is closed.
    return503OnClosing: false,
    schemaController: { compilersFactory },
  }).withTypeProvider<ZodTypeProvider>();
  app.setErrorHandler(handleError);
  return app;
}
