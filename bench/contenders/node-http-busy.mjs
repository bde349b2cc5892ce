// The floor, and ten microseconds of computing on top: what is seen of those tells what can be believed of the rest.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';

createServer((request, response) => {
  const until = performance.now() + 0.01;
  const name = new URLSearchParams(request.url.slice(request.url.indexOf('?') + 1)).get('name');
  const body = `Hello, ${name}`;
  while (performance.now() < until);
  response
    .writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}).listen(port, host);
