import type { IncomingMessage, ServerResponse } from 'node:http';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
  type RawServerDefault,
} from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { routedTarget } from '../net/target.ts';
import { requestIdOf } from '../telemetry/request-id.ts';
import { handleError } from './errors.ts';

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

declare module 'fastify' {
  interface FastifyRequest {
    /** The headers of every response of the public application, as a list of names and values: Node writes a list fastest. */
    head: string[];
  }
}

type CompilersFactory = NonNullable<FastifyServerOptions['schemaController']>['compilersFactory'];

/** Zod for input and output. Set at creation: Fastify would otherwise load its own compilers first. */
const compilersFactory = {
  buildValidator: () => validatorCompiler,
  buildSerializer: () => serializerCompiler,
} as unknown as NonNullable<CompilersFactory>;

/** The largest body, in bytes. Only the admin port reads bodies. */
const bodyLimit = 1_024;

/** The Fastify instance of every application: zod for input and output, problems for errors, our request ids. */
export function createInstance(logger: FastifyBaseLogger, trustedProxies: readonly string[] = []): App {
  const app = Fastify({
    loggerInstance: withoutChildren(logger),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    requestIdHeader: false,
    rewriteUrl: routedTarget,
    bodyLimit,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    // During a drain, requests are served until the last connection is closed.
    return503OnClosing: false,
    schemaController: { compilersFactory },
  }).withTypeProvider<ZodTypeProvider>();
  app.setErrorHandler(handleError);
  return app;
}

/** Gives every request the same logger. The access log has the request id; a child logger for each request would cost more than its line. */
function withoutChildren(logger: FastifyBaseLogger): FastifyBaseLogger {
  // `valueOf` returns the object that it is called on.
  return Object.create(logger, { child: { value: Object.prototype.valueOf } });
}
