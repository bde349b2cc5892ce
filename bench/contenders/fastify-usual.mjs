// Fastify with the features of greet, as its documentation and that of its plugins show.
import { randomUUID } from 'node:crypto';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { host, port } from './address.mjs';
import { createMetrics, querySchema } from './greeting.mjs';

const { registry, histogram } = createMetrics();
const app = fastify({ logger: true, genReqId: (request) => request.headers['x-request-id'] ?? randomUUID() });
app.setValidatorCompiler(validatorCompiler);
app.setSerializerCompiler(serializerCompiler);
await app.register(cors, { exposedHeaders: ['X-Request-Id'] });
await app.register(helmet);
app.addHook('onRequest', async (request, reply) => {
  reply.header('x-request-id', request.id);
});
app.addHook('onResponse', async (request, reply) => {
  histogram.observe(
    { method: request.method, route: request.routeOptions.url ?? 'unmatched', status: reply.statusCode },
    reply.elapsedTime / 1000,
  );
});
app.get(
  '/greet',
  { schema: { querystring: querySchema, response: { 200: z.string() } } },
  async (request, reply) => {
    reply.type('text/plain; charset=utf-8');
    return `Hello, ${request.query.name}`;
  },
);
app.get('/metrics', async (_request, reply) =>
  reply.type(registry.contentType).send(await registry.metrics()),
);
await app.listen({ port, host });
