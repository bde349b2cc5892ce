// NestJS on Express. The decorators are called as functions, because nothing is compiled here.
import 'reflect-metadata';
import { Controller, Get, Header, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { host, port } from './address.mjs';

class GreetController {
  greet(name) {
    return `Hello, ${name}`;
  }
}
Controller()(GreetController);
const method = Object.getOwnPropertyDescriptor(GreetController.prototype, 'greet');
Get('/greet')(GreetController.prototype, 'greet', method);
Header('content-type', 'text/plain; charset=utf-8')(GreetController.prototype, 'greet', method);
Query('name')(GreetController.prototype, 'greet', 0);

class AppModule {}
Module({ controllers: [GreetController] })(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(port, host);
