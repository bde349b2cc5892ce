import express from 'express';
import { host, port } from './address.mjs';

const app = express();
app.get('/greet', (request, response) => {
  response.type('text/plain').send(`Hello, ${request.query.name}`);
});
app.listen(port, host);
