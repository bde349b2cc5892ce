// HTTP greetings at a steady rate over 32 connections: node steady-load.mjs PORT SECONDS RATE
// Times are counted from when a request was due, whether or not a connection was free by then, so that a server that pauses is
// not spared (coordinated omission). Bare sockets, because the load generators of npm are busy at a third of what is asked here.
import { connect } from 'node:net';

const [port, seconds, rate] = process.argv.slice(2).map(Number);
const request = 'GET /greet?name=Alice HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
const end = 'Hello, Alice';
const warmUpMs = 1_000;
const times = [];
let sent = 0;

const idle = await Promise.all(
  Array.from({ length: 32 }, () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.setEncoding('latin1').on('data', (text) => {
      socket.answer += text;
      if (!socket.answer.endsWith(end)) return;
      if (!socket.answer.startsWith('HTTP/1.1 200')) throw new Error(socket.answer);
      const now = performance.now();
      if (socket.dueAt - startedAt > warmUpMs) times.push(now - socket.dueAt);
      idle.push(socket);
    });
    return new Promise((resolve) => socket.once('connect', () => resolve(socket)));
  }),
);

const startedAt = performance.now();
function send() {
  const elapsed = performance.now() - startedAt;
  while (idle.length > 0 && (sent * 1_000) / rate < elapsed) {
    const socket = idle.pop();
    socket.dueAt = startedAt + (sent * 1_000) / rate;
    socket.answer = '';
    sent += 1;
    socket.write(request);
  }
  if (elapsed < warmUpMs + seconds * 1_000) return setImmediate(send);
  times.sort((one, other) => one - other);
  const quantile = (part) => times[Math.floor((times.length - 1) * part)];
  process.stdout.write(
    JSON.stringify({ rate: times.length / seconds, p50: quantile(0.5), p99: quantile(0.99) }),
  );
  process.exit(0);
}
send();
