// Express with the features of greet, by its most common middleware.
import { randomUUID } from 'node:crypto';
import cors from 'cors';
import express from 'express';
import helmet from 'helmet';
import { pinoHttp } from 'pino-http';
import { host, port } from './address.mjs';
import { createMetrics, querySchema } from './greeting.mjs';

const { registry, histogram } = createMetrics();
const app = express();
app.use(
  pinoHttp({
    genReqId(request, response) {
      const id = request.headers['x-request-id'] ?? randomUUID();
      response.setHeader('x-request-id', id);
      return id;
    },
  }),
);
app.use(helmet());
app.use(cors({ exposedHeaders: ['X-Request-Id'] }));
app.use((request, response, next) => {
  const end = histogram.startTimer();
  response.on('finish', () =>
    end({ method: request.method, route: request.route?.path ?? 'unmatched', status: response.statusCode }),
  );
  next();
});
app.get('/greet', (request, response) => {
  const result = querySchema.safeParse(request.query);
  if (!result.success) return response.status(400).json({ errors: result.error.issues });
  response.type('text/plain').send(`Hello, ${result.data.name}`);
});
app.get('/metrics', async (_request, response) =>
  response.type(registry.contentType).send(await registry.metrics()),
);
app.listen(port, host);
