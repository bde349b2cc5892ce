import type { FastifyBaseLogger, FastifyRequest, onRequestHookHandler } from 'fastify';
import { type App, createInstance } from './instance.ts';

// The page loads its own files and calls its own origin; Swagger UI sets styles from its scripts.
const contentSecurityPolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

const logo =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><text y="23" font-family="sans-serif" font-size="26" fill="#fff">greet</text></svg>';

/** The page is no other site's to open with a handle on it, and tells none of those that it links to where it is. */
const isolatePage: onRequestHookHandler = (_request, reply, done) => {
  reply.header('cross-origin-opener-policy', 'same-origin').header('referrer-policy', 'no-referrer');
  done();
};

export interface SwaggerUiOptions {
  readonly logger: FastifyBaseLogger;
  /** The OpenAPI document, as JSON. */
  readonly document: string;
  /** Where the page is, such as `/docs`. */
  readonly routePrefix: string;
  readonly handleNotFound: (request: FastifyRequest) => never;
}

/** Swagger UI as an application of its own. Its packages are loaded here and not before: most replicas are never asked for it. */
export async function buildSwaggerUi({
  logger,
  document,
  routePrefix,
  handleNotFound,
}: SwaggerUiOptions): Promise<App> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  const app = createInstance(logger);
  app.setNotFoundHandler(handleNotFound);
  await app.register(swagger, { mode: 'static', specification: { document: JSON.parse(document) } });
  await app.register(swaggerUi, {
    routePrefix,
    staticCSP: contentSecurityPolicy,
    uiHooks: { onRequest: isolatePage },
    theme: { title: 'greet' },
    logo: { type: 'image/svg+xml', content: logo },
    uiConfig: { tryItOutEnabled: true, displayRequestDuration: true },
  });
  await app.ready();
  return app;
}
