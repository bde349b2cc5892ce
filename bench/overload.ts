// Greetings and answer times with ever more callers, for several values of MAX_EVENT_LOOP_DELAY_MS: npx tsx bench/overload.ts
import { run } from '../test/support/command.ts';
import { freePort } from '../test/support/ports.ts';
import { runProgram } from '../test/support/program.ts';
import { until } from '../test/support/service.ts';

const delays = [50, 100, 200, 500, 1_000];
const callers = [32, 256, 1_000, 4_000];
const seconds = 2;

console.log(
  '| MAX_EVENT_LOOP_DELAY_MS | callers | greeted/s | refused/s | p50 | p99 |\n|---|---|---|---|---|---|',
);
for (const delay of delays) {
  const port = await freePort();
  const program = await runProgram({
    env: { HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'warn', MAX_EVENT_LOOP_DELAY_MS: String(delay) },
  });
  const url = `http://127.0.0.1:${port}`;
  await until(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status === 200);
  const load = (connections: number) =>
    run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `${url}/greet?name=Alice`]);
  await load(32);
  for (const connections of callers) {
    const { stdout } = await load(connections);
    const find = (pattern: RegExp) => pattern.exec(stdout)?.[1] ?? '0';
    const refused = Number(find(/Non-2xx or 3xx responses: (\d+)/));
    const greeted = Number(find(/(\d+) requests in/)) - refused;
    const perSecond = (count: number) => Math.round(count / seconds).toLocaleString('en');
    console.log(
      `| ${delay} | ${connections} | ${perSecond(greeted)} | ${perSecond(refused)} | ${find(/^ +50% +(\S+)/m)} | ${find(/^ +99% +(\S+)/m)} |`,
    );
  }
  await program.dispose();
}
