// The baseline for gRPC: the cost of a unary call with Node alone, its frames written by hand.
import { createServer } from 'node:http2';
import { host, port } from './address.mjs';

createServer()
  .on('stream', (stream) => {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
      const frame = Buffer.concat(chunks);
      const name = frame.toString('utf8', 7, 7 + frame[6]);
      const message = Buffer.from(`Hello, ${name}`);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length + 2, 10, message.length]), message]));
    });
    stream.on('error', () => {});
  })
  .listen(port, host);
