// The baseline plus ten microseconds of computing. The difference that the benchmark reports shows how exact its figures are.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';
import { answer } from './node-http-answer.mjs';

createServer((request, response) => {
  const until = performance.now() + 0.01;
  while (performance.now() < until);
  answer(request, response);
}).listen(port, host);
