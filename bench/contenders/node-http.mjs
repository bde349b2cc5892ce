// The baseline for HTTP: the cost of parsing a request and answering it with Node alone.
import { createServer } from 'node:http';
import { host, port } from './address.mjs';
import { answer } from './node-http-answer.mjs';

createServer(answer).listen(port, host);
