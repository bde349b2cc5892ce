// Rates and response times with more and more clients, for several values of MAX_EVENT_LOOP_DELAY_MS: npx tsx bench/overload.ts
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { greet } from './contenders.ts';
import { markdownTable } from './markdown-table.ts';
import { startServer } from './server.ts';

const run = promisify(execFile);
const delays = [50, 100, 200, 500, 1_000];
const clients = [32, 256, 1_000, 4_000];
const seconds = 2;
const rows: string[][] = [];

for (const delay of delays) {
  const server = await startServer(
    greet('greet', { env: { LOG_LEVEL: 'warn', MAX_EVENT_LOOP_DELAY_MS: String(delay) } }),
  );
  const url = `http://127.0.0.1:${server.port}/greet?name=Alice`;
  const load = (connections: number) =>
    run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url]);
  await load(32);
  for (const connections of clients) {
    const { stdout } = await load(connections);
    const find = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? '0';
    const refused = Number(find(/Non-2xx or 3xx responses: (\d+)/));
    const greeted = Number(find(/(\d+) requests in/)) - refused;
    const perSecond = (count: number) => Math.round(count / seconds).toLocaleString('en');
    const percentile = (part: number) => find(new RegExp(`^ +${part}% +(\\S+)`, 'm'));
    rows.push([
      String(delay),
      String(connections),
      perSecond(greeted),
      perSecond(refused),
      percentile(50),
      percentile(99),
    ]);
  }
  await server.stop();
}
console.log(
  markdownTable(['MAX_EVENT_LOOP_DELAY_MS', 'clients', 'greeted/s', 'refused/s', 'p50', 'p99'], rows),
);
