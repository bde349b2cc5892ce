// The floor: what Node itself needs to parse a request and answer it.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';

createServer((request, response) => {
  const name = new URLSearchParams(request.url.slice(request.url.indexOf('?') + 1)).get('name');
  const body = `Hello, ${name}`;
  response
    .writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}).listen(port, host);
