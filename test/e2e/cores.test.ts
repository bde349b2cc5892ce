import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { balancerAddresses } from '../support/balancer.ts';
import { missing, type Running, run } from '../support/command.ts';
import type { LoadResult } from '../support/load.ts';
import { until } from '../support/service.ts';
import { lackingNetwork, TestNetwork } from '../support/test-network.ts';

const lacking = missing('haproxy', 'wrk', 'systemd-analyze') ?? lackingNetwork();
const deployed = (name: string) => fileURLToPath(new URL(`../../deploy/systemd/${name}`, import.meta.url));
const timeoutMs = 120_000;
const transports = ['http', 'grpc'] as const;

/** The environment that systemd gives one instance of the unit, and its command. */
async function readUnit(instance: string): Promise<{ environment: string[]; args: string[] }> {
  const text = (await readFile(deployed('greet@.service'), 'utf8')).replaceAll('%i', instance);
  const settingOf = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1]?.split(' ') ?? [];
  const [node, ...args] = settingOf('ExecStart');
  expect(node).toBe('/usr/bin/node');
  return { environment: settingOf('Environment'), args };
}

describe.skipIf(lacking)(
  `one process for each core behind one address${lacking ? `: ${lacking}` : ''}`,
  () => {
    let network: TestNetwork;
    const processes = new Map<string, Running>();
    beforeEach(async () => {
      network = await TestNetwork.create();
    });
    afterEach(async () => {
      await network.dispose();
      processes.clear();
    });

    const startProcess = async (instance: string) => {
      const { environment, args } = await readUnit(instance);
      const settings = [...environment, 'LOG_LEVEL=warn', 'DRAIN_DELAY_MS=2500'];
      processes.set(instance, network.start('env', ['-i', ...settings, process.execPath, ...args]));
      await until(async () => {
        const { body } = await network.call('fetch', `http://127.0.0.1:194${instance}/metrics`);
        return /^greet_ready 1$/m.test(body);
      });
    };
    /** As `systemctl restart` does. */
    const restartProcess = async (instance: string) => {
      const child = processes.get(instance)?.process;
      child?.kill('SIGTERM');
      if (child) expect(await once(child, 'exit')).toEqual([0, null]);
      await startProcess(instance);
    };
    const startHaproxy = async () => {
      const haproxy = network.start('haproxy', ['-db', '-f', deployed('haproxy.cfg')]);
      for (const transport of transports)
        await until(async () => {
          if (haproxy.process.exitCode !== null) throw new Error((await haproxy.result).stderr);
          return (await network.call('greet', transport, balancerAddresses[transport])) === 'Hello, Alice';
        });
    };
    /** How many greetings a process has given, by transport. */
    const greetingsOf = async (instance: string) => {
      const { body } = await network.call('fetch', `http://127.0.0.1:194${instance}/metrics`);
      const counts = transports.map((transport) => {
        const series =
          transport === 'http'
            ? /^http_server_request_duration_seconds_count\{.*status="200".*\} (\d+)$/gm
            : /^rpc_server_call_duration_seconds_count\{.*status="OK".*\} (\d+)$/gm;
        return [...body.matchAll(series)].reduce((sum, [, count]) => sum + Number(count), 0);
      });
      return { http: counts[0] ?? 0, grpc: counts[1] ?? 0 };
    };

    it('is a valid unit for systemd', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'greet-unit-'));
      const unit = join(folder, 'greet@01.service');
      await copyFile(deployed('greet@.service'), unit);
      const { code, stderr } = await run('systemd-analyze', ['verify', unit]);
      await rm(folder, { recursive: true });
      // systemd-analyze also reports other units. Only messages about this one count.
      expect(stderr.split('\n').filter((line) => line.includes('greet@01'))).toEqual([]);
      expect(code).toBe(0);
    });

    it(
      'shares the load between two processes, and loses nothing when each is restarted',
      async () => {
        for (const instance of ['01', '02']) await startProcess(instance);
        await startHaproxy();
        const loads = await Promise.all(
          transports.map((transport) =>
            network.startLoad({ transport, address: balancerAddresses[transport], callers: 4 }),
          ),
        );
        const more = (count: number) => Promise.all(loads.map((load) => load.more(count)));
        const isUsed = async (instance: string) => {
          const { http, grpc } = await greetingsOf(instance);
          return http > 0 && grpc > 0;
        };
        for (const instance of ['01', '02']) await until(() => isUsed(instance));
        const before = await Promise.all(['01', '02'].map(greetingsOf));
        await more(200);
        const after = await Promise.all(['01', '02'].map(greetingsOf));
        for (const transport of transports) {
          const [one = 0, two = 0] = after.map(
            (counts, index) => counts[transport] - (before[index]?.[transport] ?? 0),
          );
          expect(Math.abs(one - two)).toBeLessThan(0.2 * (one + two));
        }
        for (const instance of ['01', '02']) {
          await restartProcess(instance);
          await until(() => isUsed(instance));
        }
        await more(50);
        for (const load of loads) {
          const { requests, outcomes }: LoadResult = await load.stop();
          console.log(`two processes, each restarted: ${requests} requests, ${JSON.stringify(outcomes)}`);
          expect((outcomes[200] ?? 0) + (outcomes.OK ?? 0)).toBe(requests);
        }
      },
      timeoutMs,
    );

    it(
      'greets through HAProxy with one process and with two, and prints the rates',
      async () => {
        const load = async (address: string) => {
          const url = `http://${address}/greet?name=Alice`;
          const { stdout } = await network.start('wrk', ['-t1', '-c64', '-d3s', url]).result;
          const all = Number(/(\d+) requests in/.exec(stdout)?.[1]);
          const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
          return Math.round((all - refused) / 3);
        };
        await startProcess('01');
        const direct = await load('127.0.0.1:18001');
        await startHaproxy();
        const one = await load(balancerAddresses.http);
        await startProcess('02');
        await until(async () => {
          await network.call('greet', 'http', balancerAddresses.http);
          return (await greetingsOf('02')).http > 0;
        });
        const two = await load(balancerAddresses.http);
        console.log(
          `greetings a second: ${direct} of one process, ${one} of one through HAProxy, ${two} of two through HAProxy`,
        );
        expect(Math.min(direct, one, two)).toBeGreaterThan(0);
      },
      timeoutMs,
    );
  },
);
