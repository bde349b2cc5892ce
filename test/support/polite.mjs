// Callers who behave, in a process of their own: node polite.mjs HTTP_URL GRPC_ADDRESS BYSTANDER_URL. Told a number of
// milliseconds, they ask for a greeting over each transport, and of the bystander, every 10 ms for that long, whether or not the
// last one has come, and report.
import { Agent, get } from 'node:http';
import { connect } from 'node:http2';

const [httpUrl, grpcAddress, bystanderUrl] = process.argv.slice(2);
const everyMs = 10;
const patienceMs = 5_000;

// Connections are made before the trouble starts and kept: where no new one is to be had, these are still served.
const connectionsEach = 8;
const agent = new Agent({ keepAlive: true, maxSockets: connectionsEach });

function greetOverHttp(url) {
  return new Promise((resolve) => {
    const request = get(`${url}/greet?name=Alice`, { agent, timeout: patienceMs }, (response) => {
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
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
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
    stream.setTimeout(patienceMs, () => stream.close());
    stream.on('close', () => resolve(status === '0' ? '' : `status ${status}, reset ${stream.rstCode}`));
    stream.resume().end(message);
  });
}

async function measure(greet, durationMs) {
  const times = [];
  const failures = [];
  const asked = [];
  const startedAt = performance.now();
  for (let count = 0; count * everyMs < durationMs; count += 1) {
    const wait = startedAt + count * everyMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const askedAt = performance.now();
    asked.push(
      greet().then((failure) => {
        times.push(performance.now() - askedAt);
        if (failure) failures.push(failure);
      }),
    );
  }
  await Promise.all(asked);
  times.sort((one, other) => one - other);
  const quantile = (part) => times[Math.floor((times.length - 1) * part)];
  return { count: times.length, p50: quantile(0.5), p99: quantile(0.99), max: times.at(-1), failures };
}

const askHttp = () => greetOverHttp(httpUrl);
const askBystander = () => greetOverHttp(bystanderUrl);

process.on('message', async (durationMs) => {
  const [http, grpc, bystander] = await Promise.all(
    [askHttp, greetOverGrpc, askBystander].map((greet) => measure(greet, durationMs)),
  );
  process.send({ http, grpc, bystander });
});
process.on('disconnect', () => process.exit(0));
await Promise.all([
  ...Array.from({ length: connectionsEach }, () => Promise.all([askHttp(), askBystander()])),
  greetOverGrpc(),
]);
process.send('ready');
