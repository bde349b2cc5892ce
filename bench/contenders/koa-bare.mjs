import Router from '@koa/router';
import Koa from 'koa';
import { host, port } from './address.mjs';

const router = new Router().get('/greet', (context) => {
  context.type = 'text/plain';
  context.body = `Hello, ${context.query.name}`;
});
new Koa().use(router.routes()).listen(port, host);
