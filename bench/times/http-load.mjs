// HTTP greetings over CONNECTIONS connections: node http-load.mjs PORT SECONDS CONNECTIONS [RATE]
// Without RATE it sends as fast as responses arrive. With it, a response time counts from the moment when the request was due, even if no
// connection was free then, so that a pause of the server counts in full (coordinated omission).
//
// It never sleeps. On a virtual machine, a server that answers a sleeping client pays some microseconds to wake it. Clients of common load
// generators sleep while they wait, so a slow server seems slower than it is.
import { connect } from 'node:net';

const [port, seconds, connections, rate = Infinity] = process.argv.slice(2).map(Number);
const request = 'GET /greet?name=Alice HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const end = 'Hello, Alice';
const warmUpMs = rate === Infinity ? 0 : 1_000;
const times = [];
let sent = 0;

const idle = await Promise.all(
  Array.from({ length: connections }, () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.setEncoding('latin1').on('data', (text) => {
      socket.answer += text;
      if (!socket.answer.endsWith(end)) return;
      if (!socket.answer.startsWith('HTTP/1.1 200')) throw new Error(socket.answer);
      if (socket.dueAt - startedAt >= warmUpMs) times.push(performance.now() - socket.dueAt);
      idle.push(socket);
    });
    socket.on('close', () => {
      throw new Error('The server has closed a connection.');
    });
    return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
  }),
);

const startedAt = performance.now();
function send() {
  const elapsed = performance.now() - startedAt;
  while (idle.length > 0 && (sent * 1_000) / rate < elapsed) {
    const socket = idle.pop();
    socket.dueAt = rate === Infinity ? performance.now() : startedAt + (sent * 1_000) / rate;
    socket.answer = '';
    sent += 1;
    socket.write(request, 'latin1');
  }
  if (elapsed < warmUpMs + seconds * 1_000) return setImmediate(send);
  times.sort((one, other) => one - other);
  const quantile = (part) => times[Math.floor((times.length - 1) * part)];
  const latency = { rate: times.length / seconds, p50: quantile(0.5), p99: quantile(0.99) };
  process.stdout.write(JSON.stringify({ greetings: times.length, latency }));
  process.exit(0);
}
send();
