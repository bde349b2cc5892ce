// Unary gRPC calls over a few connections, with CALLERS calls at once: node grpc-load.mjs PORT SECONDS CALLERS
import { connect } from 'node:http2';

const [port, seconds, callers] = process.argv.slice(2).map(Number);
const sessions = Array.from({ length: 4 }, () => connect(`http://127.0.0.1:${port}`));
const message = Buffer.from('Alice');
const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length + 2, 10, message.length]), message]);
const headers = {
  ':method': 'POST',
  ':path': '/greet.GreetService/Greet',
  'content-type': 'application/grpc',
  te: 'trailers',
};
const until = Date.now() + seconds * 1000;
let requests = 0;
let failures = 0;

const call = (session) =>
  new Promise((resolve) => {
    const stream = session.request(headers);
    let status;
    const read = (received) => {
      status = received['grpc-status'] ?? status;
    };
    stream
      .on('response', read)
      .on('trailers', read)
      .on('error', () => {});
    stream.on('close', () => {
      requests += 1;
      if (status !== '0') failures += 1;
      resolve();
    });
    stream.resume().end(frame);
  });

await Promise.all(
  Array.from({ length: callers }, async (_, index) => {
    while (Date.now() < until) await call(sessions[index % sessions.length]);
  }),
);
for (const session of sessions) session.close();
process.stdout.write(JSON.stringify({ requests, failures }));
