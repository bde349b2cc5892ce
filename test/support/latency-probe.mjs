// Well-behaved clients that measure latency, in their own process. Run as: node latency-probe.mjs HTTP_URL GRPC_ADDRESS REFERENCE_URL
// On a message with a duration in milliseconds, they send a request every 10 ms over each transport and to the reference server, without
// waiting for earlier responses. Then they send a report.
import { Agent, get } from 'node:http';
import { connect } from 'node:http2';

const [httpUrl, grpcAddress, referenceUrl] = process.argv.slice(2);
const everyMs = 10;
const timeoutMs = 5_000;

// The connections are opened before the attack, because the service may accept no new ones during it.
const connectionsEach = 8;
const agent = new Agent({ keepAlive: true, maxSockets: connectionsEach });

function greetOverHttp(url) {
  return new Promise((resolve) => {
    const request = get(`${url}/greet?name=Alice`, { agent, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => {
        body += text;
      });
      response.on('close', () =>
        resolve(
          response.statusCode === 200 && body === 'Hello, Alice' ? '' : `${response.statusCode} ${body}`,
        ),
      );
    });
    request.on('timeout', () => request.destroy(new Error('no response in time')));
    request.on('error', (error) => resolve(error.code ?? error.message));
  });
}

const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 7, 10, 5]), Buffer.from('Alice')]);
const headers = {
  ':method': 'POST',
  ':path': '/greet.GreetService/Greet',
  'content-type': 'application/grpc',
  te: 'trailers',
};
let session = open();

function open() {
  return connect(`http://${grpcAddress}`).on('error', () => {});
}

function greetOverGrpc() {
  return new Promise((resolve) => {
    if (session.closed || session.destroyed) session = open();
    const stream = session.request(headers);
    let status;
    const read = (received) => {
      status = received['grpc-status'] ?? status;
    };
    stream
      .on('response', read)
      .on('trailers', read)
      .on('error', () => {});
    stream.setTimeout(timeoutMs, () => stream.close());
    stream.on('close', () => resolve(status === '0' ? '' : `status ${status}, reset ${stream.rstCode}`));
    stream.resume().end(message);
  });
}

async function measure(greet, durationMs) {
  const times = [];
  const failures = [];
  const requests = [];
  const startedAt = performance.now();
  for (let count = 0; count * everyMs < durationMs; count += 1) {
    const wait = startedAt + count * everyMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const sentAt = performance.now();
    requests.push(
      greet().then((failure) => {
        times.push(performance.now() - sentAt);
        if (failure) failures.push(failure);
      }),
    );
  }
  await Promise.all(requests);
  times.sort((one, other) => one - other);
  const quantile = (part) => times[Math.floor((times.length - 1) * part)];
  return { count: times.length, p50: quantile(0.5), p99: quantile(0.99), max: times.at(-1), failures };
}

const askHttp = () => greetOverHttp(httpUrl);
const askReference = () => greetOverHttp(referenceUrl);

process.on('message', async (durationMs) => {
  const [http, grpc, reference] = await Promise.all(
    [askHttp, greetOverGrpc, askReference].map((greet) => measure(greet, durationMs)),
  );
  process.send({ http, grpc, reference });
});
process.on('disconnect', () => process.exit(0));
await Promise.all([
  ...Array.from({ length: connectionsEach }, () => Promise.all([askHttp(), askReference()])),
  greetOverGrpc(),
]);
process.send('ready');
