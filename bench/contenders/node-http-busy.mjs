// The floor, and ten microseconds of computing on top: what is seen of those tells what can be believed of the rest.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';
import { answer } from './node-http-answer.mjs';

createServer((request, response) => {
  const until = performance.now() + 0.01;
  while (performance.now() < until);
  answer(request, response);
}).listen(port, host);
