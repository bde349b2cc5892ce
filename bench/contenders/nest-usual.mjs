// NestJS on Express with the features of greet, by its most common modules. The decorators are called as functions, because nothing is
// compiled here.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { BadRequestException, Controller, Get, Header, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import helmet from 'helmet';
import { Logger, LoggerModule } from 'nestjs-pino';
import { host, port } from './address.mjs';
import { createMetrics, querySchema } from './greeting.mjs';

const { histogram } = createMetrics();

class ZodPipe {
  transform(value) {
    const result = querySchema.safeParse(value);
    if (!result.success) throw new BadRequestException(result.error.issues);
    return result.data;
  }
}

class GreetController {
  greet({ name }) {
    return `Hello, ${name}`;
  }
}
Controller()(GreetController);
const method = Object.getOwnPropertyDescriptor(GreetController.prototype, 'greet');
Get('/greet')(GreetController.prototype, 'greet', method);
Header('content-type', 'text/plain; charset=utf-8')(GreetController.prototype, 'greet', method);
Query(new ZodPipe())(GreetController.prototype, 'greet', 0);

class AppModule {}
Module({
  imports: [
    LoggerModule.forRoot({
      pinoHttp: {
        genReqId(request, response) {
          const id = request.headers['x-request-id'] ?? randomUUID();
          response.setHeader('x-request-id', id);
          return id;
        },
      },
    }),
  ],
  controllers: [GreetController],
})(AppModule);

const app = await NestFactory.create(AppModule, { bufferLogs: true });
app.useLogger(app.get(Logger));
app.use(helmet());
app.enableCors({ exposedHeaders: ['X-Request-Id'] });
app.use((request, response, next) => {
  const end = histogram.startTimer();
  response.on('finish', () =>
    end({ method: request.method, route: request.route?.path ?? 'unmatched', status: response.statusCode }),
  );
  next();
});
await app.listen(port, host);
