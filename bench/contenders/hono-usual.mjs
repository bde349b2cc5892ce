// Hono with the features of greet, by its own middleware.
import { serve } from '@hono/node-server';
import { zValidator } from '@hono/zod-validator';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { pino } from 'pino';
import { host, port } from './address.mjs';
import { createMetrics, querySchema } from './greeting.mjs';

const { registry, histogram } = createMetrics();
const logger = pino();
const app = new Hono();
app.use(requestId());
app.use(secureHeaders());
app.use(cors({ origin: '*', exposeHeaders: ['X-Request-Id'] }));
app.use(async (context, next) => {
  const end = histogram.startTimer();
  await next();
  const { method, path } = context.req;
  const duration = end({ method, route: '/greet', status: context.res.status });
  logger.info(
    { requestId: context.get('requestId'), method, path, status: context.res.status, duration },
    'request',
  );
});
app.get('/greet', zValidator('query', querySchema), (context) =>
  context.text(`Hello, ${context.req.valid('query').name}`),
);
app.get('/metrics', async (context) => context.text(await registry.metrics()));
serve({ fetch: app.fetch, port, hostname: host });
