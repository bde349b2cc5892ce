import { readFile } from 'node:fs/promises';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, onRequestHookHandler } from 'fastify';

const committed = new URL('../../openapi/', import.meta.url);

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

/**
 * The committed OpenAPI document as `/openapi.json` and `/openapi.yaml`, and Swagger UI on it at `/docs`. The document is
 * generated from the schemas by `npm run openapi`, not at each start; a test holds the two equal.
 */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  const [json, yaml] = await Promise.all([
    readFile(new URL('openapi.json', committed), 'utf8'),
    readFile(new URL('openapi.yaml', committed), 'utf8'),
  ]);
  app.get('/', (_request, reply) => reply.redirect('/docs'));
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(json));
  app.get('/openapi.yaml', (_request, reply) => reply.type('application/yaml').send(yaml));

  await app.register(swagger, { mode: 'static', specification: { document: JSON.parse(json) } });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    uiHooks: { onRequest: isolatePage },
    theme: { title: 'greet' },
    logo: { type: 'image/svg+xml', content: logo },
    uiConfig: { tryItOutEnabled: true, displayRequestDuration: true },
  });
}
