// The floor: what Node itself needs to parse a request and answer it.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';
import { answer } from './node-http-answer.mjs';

createServer(answer).listen(port, host);
