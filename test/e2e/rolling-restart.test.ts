import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort, missing, type Running, run, start as startCommand } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const lacking = missing('haproxy', 'wrk');
const configuration = new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url);
const connections = 32;

describe.skipIf(lacking)(`three replicas behind HAProxy${lacking ? `: ${lacking}` : ''}`, () => {
  const replicas: Program[] = [];
  let haproxy: Running | undefined;
  afterEach(async () => {
    haproxy?.process.kill('SIGKILL');
    await Promise.all(replicas.splice(0).map((replica) => replica.dispose()));
  });

  const start = async (index: number, port: number) => {
    const env = { HOST: '127.0.0.1', PORT: String(port), DRAIN_DELAY_MS: '2500', LOG_LEVEL: 'warn' };
    const replica = await runProgram({ env });
    replicas[index] = replica;
    await until(
      async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.status === 200,
    );
  };

  it('lose no request of 32 connections while they are restarted six times, though nothing is ever retried', async () => {
    const ports = [await freePort(), await freePort(), await freePort()];
    await Promise.all(ports.map((port, index) => start(index, port)));
    const front = await freePort();
    const servers = ports.map((port, index) => `  server greet-${index} 127.0.0.1:${port}`).join('\n');
    const sections = (await readFile(configuration, 'utf8')).split(/^(?=\w)/m);
    const here = sections
      // gRPC has a test of its own.
      .filter((section) => !/^(frontend grpc|backend greet-grpc)\n/.test(section))
      .join('')
      .replace('bind :8080', `bind 127.0.0.1:${front}`)
      .replace(/^ *server-template .* greet:8080 .*$/m, servers)
      .replace('retries 3', 'retries 0')
      .replace(/^ *(option redispatch|retry-on).*$/gm, '');
    const file = join(await mkdtemp(join(tmpdir(), 'greet-')), 'haproxy.cfg');
    await writeFile(file, here);
    haproxy = startCommand('haproxy', ['-db', '-f', file]);
    await until(
      async () =>
        (await fetch(`http://127.0.0.1:${front}/greet?name=a`).catch(() => undefined))?.status === 200,
    );

    // Rounds of load, one after another, until every replica has been restarted twice.
    let isRestarting = true;
    let restarts = 0;
    const restarting = (async () => {
      for (const index of [0, 1, 2, 0, 1, 2]) {
        replicas[index]?.process.kill('SIGTERM');
        expect(await replicas[index]?.exited).toBe(0);
        await start(index, ports[index] ?? 0);
        restarts += 1;
        // HAProxy sees it again before the next one goes.
        await new Promise((resolve) => setTimeout(resolve, 1_500));
      }
    })().finally(() => {
      isRestarting = false;
    });
    let requests = 0;
    const failures: string[] = [];
    do {
      const { stdout } = await run('wrk', [
        '-t1',
        `-c${connections}`,
        '-d4s',
        `http://127.0.0.1:${front}/greet?name=Alice`,
      ]);
      requests += Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
      failures.push(...(stdout.match(/^.*(Socket errors|Non-2xx).*$/gm) ?? []));
    } while (isRestarting);
    await restarting;
    console.log(`${requests} requests over ${restarts} restarts, failures: ${failures.join(', ') || 'none'}`);
    expect(restarts).toBe(6);
    expect(requests).toBeGreaterThan(1_000);
    expect(failures).toEqual([]);
  }, 120_000);
});
