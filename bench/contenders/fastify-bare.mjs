import fastify from 'fastify';
import { host, port } from './address.mjs';

const app = fastify();
app.get('/greet', (request, reply) =>
  reply.type('text/plain; charset=utf-8').send(`Hello, ${request.query.name}`),
);
await app.listen({ port, host });
