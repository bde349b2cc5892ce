// Koa with the features of greet, by its most common middleware.
import { randomUUID } from 'node:crypto';
import cors from '@koa/cors';
import Router from '@koa/router';
import Koa from 'koa';
import { pinoHttp } from 'pino-http';
import { host, port } from './address.mjs';
import { createMetrics, querySchema } from './greeting.mjs';

const { histogram } = createMetrics();
const log = pinoHttp({
  genReqId(request, response) {
    const id = request.headers['x-request-id'] ?? randomUUID();
    response.setHeader('x-request-id', id);
    return id;
  },
});
const router = new Router().get('/greet', (context) => {
  const result = querySchema.safeParse(context.query);
  if (!result.success) {
    context.status = 400;
    context.body = { errors: result.error.issues };
    return;
  }
  context.type = 'text/plain';
  context.body = `Hello, ${result.data.name}`;
});
new Koa()
  .use(async (context, next) => {
    log(context.req, context.res);
    const end = histogram.startTimer();
    await next();
    end({ method: context.method, route: context._matchedRoute ?? 'unmatched', status: context.status });
  })
  .use(cors({ exposeHeaders: ['X-Request-Id'] }))
  .use(router.routes())
  .listen(port, host);
