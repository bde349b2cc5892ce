// Greets, and is left in peace: node bystander.mjs. What its callers wait for while a neighbour is attacked is the machine's doing.
import { createServer } from 'node:http';

const server = createServer((_, response) => response.end('Hello, Alice')).listen(0, '127.0.0.1', () => {
  process.send(`http://127.0.0.1:${server.address().port}`);
});
process.on('disconnect', () => process.exit(0));
