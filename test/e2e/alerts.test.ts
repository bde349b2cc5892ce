import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';
import { Replicas } from '../support/replicas.ts';
import { readRunbooks } from '../support/runbooks.ts';
import { until } from '../support/service.ts';
import { lackingNetwork, type NetworkLoad, TestNetwork } from '../support/test-network.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';

const lacking = missing('prometheus', 'alertmanager', 'jq') ?? lackingNetwork();
const deployed = (name: string) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const plain = ['10.77.0.11', '10.77.0.12'] as const;
const secured = '10.77.0.13';
const timeoutMs = 180_000;

interface Alert {
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Each fault is caused in turn, with the shipped files. How long a fault must last is tested by `promtool test rules`. */
describe.skipIf(lacking)(`alerts and their runbooks${lacking ? `: ${lacking}` : ''}`, () => {
  let network: TestNetwork;
  let replicas: Replicas;
  let tls: TlsFolder;
  let data: string;
  let loads: NetworkLoad[];
  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'greet-alerts-'));
    tls = await createTlsFolder();
    network = await TestNetwork.create();
    replicas = new Replicas(network);
    // No collector listens there. The spans are lost, but their ids are in the log.
    const env = { LOG_LEVEL: 'info', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    await replicas.add(plain, env);
    await replicas.add([secured], { ...env, ...tls.env });
    await network.call('setDns', 'alertmanager', ['127.0.0.1']);
    network.start('prometheus', [
      `--config.file=${deployed('prometheus/prometheus.yml')}`,
      `--storage.tsdb.path=${data}/prometheus`,
    ]);
    network.start('alertmanager', [
      `--config.file=${deployed('alertmanager/alertmanager.yml')}`,
      `--storage.path=${data}/alertmanager`,
      // It runs alone, and finds no interface to cluster on.
      '--cluster.listen-address=',
    ]);
    await until(async () => (await query('count(up{job="greet"} == 1)'))[0] === 3);
  }, timeoutMs);
  afterAll(async () => {
    await replicas.dispose();
    await network.dispose();
    await tls.dispose();
    await rm(data, { recursive: true });
  });

  /** The values of all series in the result of a query. */
  const query = async (promql: string): Promise<number[]> => {
    const url = `http://127.0.0.1:9090/api/v1/query?${new URLSearchParams({ query: promql })}`;
    const { status, body } = await network.call('fetch', url);
    if (status === 400) throw new Error(`${promql}: ${body}`);
    if (status !== 200) return [];
    const { result } = JSON.parse(body).data as { result: { value: [number, string] }[] };
    return result.map(({ value }) => Number(value[1]));
  };
  const alerts = async (): Promise<Alert[]> => {
    const { body } = await network.call('fetch', 'http://127.0.0.1:9090/api/v1/alerts');
    return JSON.parse(body).data.alerts;
  };
  /** Waits for an alert; for the alert of one replica, if it is given. */
  const raised = async (name: string, replica?: string): Promise<Alert> => {
    const find = async () =>
      (await alerts()).find(
        ({ labels: { alertname, instance } }) =>
          alertname === name && (replica === undefined || instance === `${replica}:9464`),
      );
    await until(async () => (await find()) !== undefined);
    return (await find()) as Alert;
  };
  const runbooks = readRunbooks();

  /** Runs all queries of the page, each of which must find something, and returns the log lines that its filters find. */
  const follow = async (name: string): Promise<Record<string, unknown>[][]> => {
    const { queries = [], logFilters = [] } = (await runbooks).get(name) ?? {};
    for (const promql of queries) {
      await until(async () => (await query(promql)).length > 0);
      expect((await query(promql)).length, promql).toBeGreaterThan(0);
    }
    const input = replicas.lines.map((line) => JSON.stringify(line)).join('\n');
    return Promise.all(
      logFilters.map(async (filter) => {
        const { code, stdout, stderr } = await run('jq', ['-cR', `fromjson? | ${filter}`], { input });
        expect(stderr).toBe('');
        expect(code).toBe(0);
        return stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line));
      }),
    );
  };

  it(
    'Prometheus counts exactly the requests that were sent over both transports',
    async () => {
      for (const address of plain) {
        for (let count = 0; count < 7; count += 1) await network.call('greet', 'http', `${address}:8080`);
        for (let count = 0; count < 3; count += 1)
          await network.call('greet', 'http', `${address}:8080`, ' ');
        for (let count = 0; count < 5; count += 1)
          await network.call('fetch', `http://${address}:8080/nope/${count}`);
        for (let count = 0; count < 4; count += 1) await network.call('greet', 'grpc', `${address}:50051`);
        for (let count = 0; count < 2; count += 1)
          await network.call('greet', 'grpc', `${address}:50051`, ' ');
      }
      const http = 'http_server_request_duration_seconds_count';
      const rpc = 'rpc_server_call_duration_seconds_count';
      const expected = {
        [`sum(${http}{route="/greet", status="200"})`]: 14,
        [`sum(${http}{route="/greet", status="400"})`]: 6,
        [`sum(${http}{route="unmatched", status="404"})`]: 10,
        [`sum(${rpc}{method="Greet", status="OK"})`]: 8,
        [`sum(${rpc}{method="Greet", status="INVALID_ARGUMENT"})`]: 4,
        'sum(greet_ready)': 3,
        'greet:replicas_ready': 3,
        'greet:replicas_expected': 3,
      };
      for (const [promql, value] of Object.entries(expected))
        await until(async () => (await query(promql))[0] === value);
      // The certificate of one replica ends soon. No other alert may fire, except those of a slow machine.
      await raised('GreetCertificateExpires');
      const slowness = ['GreetLatencyBudgetBurn', 'GreetEventLoopSaturated', 'GreetCpuSaturated'];
      const names = (await alerts()).map(({ labels }) => labels.alertname ?? '');
      expect(names.filter((name) => !slowness.includes(name))).toEqual(['GreetCertificateExpires']);
    },
    timeoutMs,
  );

  it(
    'GreetCertificateExpires fires for the replica, and its page finds the renewal',
    async () => {
      await raised('GreetCertificateExpires', secured);
      await tls.renew('second');
      await until(() => replicas.lines.some((line) => 'validTo' in line));
      const [changes] = await follow('GreetCertificateExpires');
      expect(changes?.length).toBeGreaterThan(0);
    },
    timeoutMs,
  );

  it(
    'GreetErrorBudgetBurn, GreetLatencyBudgetBurn and GreetFaultsInjected fire, and the last one notifies nobody',
    async () => {
      await replicas.injectFaults({ errorRate: 0.5, delayMs: 150 }, plain);
      loads = [];
      for (const address of plain) {
        loads.push(await network.startLoad({ transport: 'http', address: `${address}:8080`, callers: 2 }));
        loads.push(await network.startLoad({ transport: 'grpc', address: `${address}:50051`, callers: 2 }));
      }
      const { annotations } = await raised('GreetErrorBudgetBurn');
      expect(annotations.runbook_url).toMatch(/runbooks\.md#greeterrorbudgetburn$/);
      await raised('GreetLatencyBudgetBurn');
      await raised('GreetFaultsInjected');

      // This leads from the alert to the line of a failed request, and from there to its trace.
      const [failed = [], causes] = await follow('GreetErrorBudgetBurn');
      expect(new Set(failed.map(({ msg, status, code }) => `${msg} ${status ?? code}`))).toEqual(
        new Set(['request 503', 'call UNAVAILABLE']),
      );
      for (const line of failed)
        expect(line).toMatchObject({
          requestId: expect.stringMatching(/./),
          trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        });
      // The page says that an injected failure logs no error.
      expect(causes).toEqual([]);
      const [slow] = await follow('GreetLatencyBudgetBurn');
      expect(slow?.length).toBeGreaterThan(0);
      const [changes, struck] = await follow('GreetFaultsInjected');
      expect(changes?.length).toBe(2);
      expect(struck?.length).toBeGreaterThan(0);

      await until(async () => {
        const { status, body } = await network.call('fetch', 'http://127.0.0.1:9093/api/v2/alerts');
        if (status !== 200) return false;
        const received = JSON.parse(body) as (Alert & { receivers: { name: string }[] })[];
        return received.some(
          ({ labels, receivers }) =>
            labels.alertname === 'GreetFaultsInjected' && receivers.every(({ name }) => name === 'nobody'),
        );
      });
      for (const load of loads) await load.stop();
      await replicas.injectFaults({}, plain);
    },
    timeoutMs,
  );

  it(
    'GreetEventLoopSaturated fires for the replica, and its page finds late requests',
    async () => {
      const { process } = replicas.program(plain[0]);
      let isStopping = true;
      const stopping = (async () => {
        while (isStopping) {
          process.kill('SIGSTOP');
          await new Promise((resolve) => setTimeout(resolve, 400));
          process.kill('SIGCONT');
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      await raised('GreetEventLoopSaturated', plain[0]);
      const load = await network.startLoad({ transport: 'http', address: `${plain[0]}:8080`, callers: 1 });
      await load.more(10);
      isStopping = false;
      await stopping;
      await load.stop();
      const [late] = await follow('GreetEventLoopSaturated');
      expect(late?.length).toBeGreaterThan(0);
    },
    timeoutMs,
  );

  it.each(['GreetCpuSaturated', 'GreetMemorySaturated'])(
    'the queries on the page of %s find something',
    async (name) => {
      await follow(name);
    },
    timeoutMs,
  );

  it(
    'GreetReplicaDown fires, even though DNS no longer names the replica',
    async () => {
      await replicas.retire(plain[0]);
      const { annotations } = await raised('GreetReplicaDown');
      expect(annotations.summary).toBe('Fewer replicas of greet are ready than expected: 2');
      await until(async () => (await query('up{job="greet"} == 0')).length === 0);
      const [last] = await follow('GreetReplicaDown');
      expect(last?.map(({ msg }) => msg)).toContain('drained');
    },
    timeoutMs,
  );

  it(
    'GreetNoReplicaReady fires when all replicas have ended',
    async () => {
      for (const address of [plain[1], secured]) replicas.program(address).process.kill('SIGTERM');
      await raised('GreetNoReplicaReady');
      const [last] = await follow('GreetNoReplicaReady');
      expect(last?.filter(({ msg }) => msg === 'drained').length).toBe(3);
    },
    timeoutMs,
  );
});
