import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient, createHttpClient } from '../../src/client/exports.ts';
import { missing, type Running, run, start } from '../support/command.ts';
import { freePort } from '../support/ports.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const lacking = missing('prometheus', 'promtool');
const deployed = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));

describe.skipIf(lacking)(`Prometheus${lacking ? `: ${lacking}` : ''}`, () => {
  it.each([
    ['check', 'config', `${deployed}prometheus.yml`],
    ['check', 'rules', `${deployed}rules.yml`],
    ['test', 'rules', `${deployed}rules.test.yml`],
  ])('finds nothing wrong: promtool %s %s', async (...args) => {
    expect(await run('promtool', args)).toMatchObject({ code: 0 });
  });

  it('would not let a broken threshold pass', async () => {
    const rules = await readFile(join(deployed, 'rules.yml'), 'utf8');
    const passes = async (threshold: string, broken: string) => {
      expect(rules).toContain(threshold);
      const folder = await mkdtemp(join(tmpdir(), 'greet-rules-'));
      await cp(deployed, folder, { recursive: true });
      await writeFile(join(folder, 'rules.yml'), rules.replaceAll(threshold, broken));
      return (await run('promtool', ['test', 'rules', join(folder, 'rules.test.yml')])).code === 0;
    };
    const passing = await Promise.all([
      passes('14.4 * 0.001', '1.44 * 0.001'),
      passes('14.4 * 0.01', '144 * 0.01'),
      passes('== 0 or', '== 1 or'),
      passes('> 0.85', '> 0.96'),
    ]);
    expect(passing).toEqual([false, false, false, false]);
  });

  describe('watching two replicas', () => {
    const replicas: Program[] = [];
    let prometheus: Running;
    let api: string;
    beforeAll(async () => {
      replicas.push(await runProgram(), await runProgram());
      const targets = await Promise.all(
        replicas.map(async (replica) => new URL((await replica.listening()).admin).host),
      );
      const folder = await mkdtemp(join(tmpdir(), 'greet-prometheus-'));
      const configuration = (await readFile(`${deployed}prometheus.yml`, 'utf8'))
        .replace(/dns_sd_configs:[\s\S]*$/, `static_configs: [{targets: ${JSON.stringify(targets)}}]\n`)
        .replaceAll('_interval: 5s', '_interval: 500ms');
      await writeFile(join(folder, 'prometheus.yml'), configuration);
      // As they are, but for the patience that they have.
      const rules = (await readFile(`${deployed}rules.yml`, 'utf8')).replace(/for: \w+/g, 'for: 1s');
      await writeFile(join(folder, 'rules.yml'), rules);
      const port = await freePort();
      api = `http://127.0.0.1:${port}/api/v1`;
      prometheus = start('prometheus', [
        `--config.file=${folder}/prometheus.yml`,
        `--storage.tsdb.path=${folder}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
      ]);
      await until(async () => (await query('count(up{job="greet"} == 1)')) === 2);
    });
    afterAll(async () => {
      prometheus.process.kill('SIGKILL');
      await Promise.all(replicas.map((replica) => replica.dispose()));
    });

    /** The value of a query that has one; NaN where it has none yet. */
    const query = async (promql: string): Promise<number> => {
      const response = await fetch(`${api}/query?${new URLSearchParams({ query: promql })}`).catch(
        () => undefined,
      );
      if (!response?.ok) return Number.NaN;
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1]);
    };
    const firing = async () => {
      const { data } = (await (await fetch(`${api}/alerts`)).json()) as {
        data: { alerts: { state: string; labels: { alertname: string } }[] };
      };
      return data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname);
    };

    it('has the exact counts of what was sent over both transports', async () => {
      const urls = await Promise.all(replicas.map((replica) => replica.listening()));
      for (const { http, grpc } of urls) {
        const client = createGrpcClient({ address: grpc });
        for (let count = 0; count < 70; count += 1) await createHttpClient({ url: http }).greet('Alice');
        for (let count = 0; count < 30; count += 1) await fetch(`${http}/greet`);
        for (let count = 0; count < 50; count += 1) await fetch(`${http}/nope/${count}`);
        for (let count = 0; count < 20; count += 1) await client.greet('Alice');
        for (let count = 0; count < 10; count += 1) await client.greet('').catch(() => {});
        client.close();
      }
      const http = 'http_server_request_duration_seconds_count';
      const rpc = 'rpc_server_call_duration_seconds_count';
      const expected = {
        [`sum(${http}{route="/greet", status="200"})`]: 140,
        [`sum(${http}{route="/greet", status="400"})`]: 60,
        [`sum(${http}{route="unmatched", status="404"})`]: 100,
        [`sum(${rpc}{method="Greet", status="OK"})`]: 40,
        [`sum(${rpc}{method="Greet", status="INVALID_ARGUMENT"})`]: 20,
        'count(count by (route) (http_server_request_duration_seconds_count))': 2,
        'sum(greet_ready)': 2,
      };
      for (const [promql, value] of Object.entries(expected)) {
        await until(async () => (await query(promql)) === value);
        expect(await query(promql)).toBe(value);
      }
      expect(await firing()).toEqual([]);
    });

    it('wakes somebody when no replica is left', async () => {
      for (const replica of replicas) replica.process.kill('SIGKILL');
      await until(async () => (await firing()).length >= 2);
      expect(new Set(await firing())).toEqual(new Set(['GreetNoReplicaReady', 'GreetReplicaDown']));
    });

    it('scrapes what promtool finds no fault with', async () => {
      const program = await runProgram();
      const { admin, http } = await program.listening();
      await fetch(`${http}/greet?name=Alice`);
      const metrics = await (await fetch(`${admin}/metrics`)).text();
      await program.dispose();
      expect(await run('promtool', ['check', 'metrics'], { input: metrics })).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      });
    });
  });
});
