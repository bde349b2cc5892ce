// The baseline with greet's eight headers, written at once: the least cost of a response like greet's.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';
import { nameOf } from './node-http-answer.mjs';

let count = 0;

createServer((request, response) => {
  const body = `Hello, ${nameOf(request)}`;
  count += 1;
  response
    .writeHead(200, [
      'x-request-id',
      `8f1c2d3e4b5a6978-${count.toString(36)}`,
      'x-content-type-options',
      'nosniff',
      'access-control-allow-origin',
      '*',
      'access-control-expose-headers',
      'X-Request-Id, Retry-After',
      'vary',
      'Accept',
      'content-type',
      'text/plain; charset=utf-8',
      'cache-control',
      'no-store',
      'content-length',
      Buffer.byteLength(body),
    ])
    .end(body);
}).listen(port, host);
