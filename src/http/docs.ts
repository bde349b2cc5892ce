import { readFile } from 'node:fs/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { openApiFiles } from '../shipped-files.ts';
import type { App } from './instance.ts';
import { buildSwaggerUi, type SwaggerUiOptions } from './swagger-ui.ts';

const routePrefix = '/docs';

/**
 * The committed OpenAPI document as `/openapi.json` and `/openapi.yaml`, and Swagger UI at `/docs`. `npm run openapi` generates the
 * document from the schemas; a test checks that the committed one is up to date.
 */
export async function docsRoutes(
  app: App,
  { handleNotFound }: Pick<SwaggerUiOptions, 'handleNotFound'>,
): Promise<void> {
  const [json, yaml] = await Promise.all([
    readFile(openApiFiles.json, 'utf8'),
    readFile(openApiFiles.yaml, 'utf8'),
  ]);
  app.get('/', (_request, reply) => reply.redirect(routePrefix));
  app.get('/openapi.json', (_request, reply) => reply.type('application/json; charset=utf-8').send(json));
  app.get('/openapi.yaml', (_request, reply) => reply.type('application/yaml').send(yaml));

  let page: Promise<App> | undefined;
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    page ??= buildSwaggerUi({ logger: app.log, document: json, routePrefix, handleNotFound });
    // After a failure the next request tries again. The failure must not end the process.
    page.catch(() => {
      page = undefined;
    });
    handOver(await page, request, reply);
  };
  app.get(routePrefix, serve);
  app.get(`${routePrefix}/*`, serve);
  app.addHook('onClose', async () => (await page)?.close());
}

/** Lets another application answer, with this one's request id and with the headers that this one has set so far. */
function handOver(other: App, { raw, id }: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  raw.headers['x-request-id'] = id;
  other.routing(raw, reply.raw);
}
