// A bare HTTP server that is not attacked. Its latency during an attack on the service shows how slow the machine itself is. Run as: node
// reference-server.mjs
import { createServer } from 'node:http';

const server = createServer((_, response) => response.end('Hello, Alice')).listen(0, '127.0.0.1', () => {
  process.send(`http://127.0.0.1:${server.address().port}`);
});
process.on('disconnect', () => process.exit(0));
