import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/exports.ts';
import { missing, type Running, start } from '../support/command.ts';
import { startReceiver } from '../support/otlp.ts';
import { freePort } from '../support/ports.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const lacking = missing('prometheus');

interface ExemplarSeries {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
  }[];
}

describe.skipIf(lacking)(`Prometheus with exemplar storage${lacking ? `: ${lacking}` : ''}`, () => {
  let program: Program;
  let prometheus: Running;
  let folder: string;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;
  let api: string;
  beforeAll(async () => {
    receiver = await startReceiver();
    program = await runProgram({
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_BSP_SCHEDULE_DELAY: '100',
        OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      },
    });
    folder = await mkdtemp(join(tmpdir(), 'greet-exemplars-'));
    const target = new URL((await program.listening()).admin).host;
    await writeFile(
      join(folder, 'prometheus.yml'),
      `scrape_configs: [{job_name: greet, scrape_interval: 500ms, static_configs: [{targets: ["${target}"]}]}]\n`,
    );
    const port = await freePort();
    api = `http://127.0.0.1:${port}/api/v1`;
    prometheus = start('prometheus', [
      '--enable-feature=exemplar-storage',
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    await until(async () => (await sampleOf('up')) === 1);
  });
  afterAll(async () => {
    prometheus.process.kill('SIGKILL');
    await program.dispose();
    receiver.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const ask = async (path: string, query: Record<string, string>): Promise<unknown> => {
    const response = await fetch(`${api}/${path}?${new URLSearchParams(query)}`).catch(() => undefined);
    if (!response?.ok) return undefined;
    return ((await response.json()) as { data: unknown }).data;
  };
  const sampleOf = async (query: string): Promise<number> => {
    const data = (await ask('query', { query })) as { result: { value: [number, string] }[] } | undefined;
    return Number(data?.result[0]?.value[1]);
  };
  const exemplarsOf = async (metric: string): Promise<ExemplarSeries[]> => {
    const now = Date.now() / 1_000;
    const range = { start: String(now - 3_600), end: String(now + 3_600) };
    return ((await ask('query_exemplars', { query: metric, ...range })) ?? []) as ExemplarSeries[];
  };
  const traceparent = (id: number, flags: string) => `00-${String(id).repeat(32)}-b7ad6b7169203331-${flags}`;

  it('has an exemplar with the trace id in the buckets of both transports, for sampled requests only', async () => {
    const { http, grpc } = await program.listening();
    const greet = (header: string) => fetch(`${http}/greet?name=Alice`, { headers: { traceparent: header } });
    await greet(traceparent(1, '01'));
    await greet(traceparent(2, '00'));
    await greet('none');
    const client = createGrpcClient({
      address: grpc,
      inject(carrier) {
        carrier.traceparent = traceparent(3, '01');
      },
    });
    await client.greet('Alice');
    client.close();

    for (const [metric, labels, id] of [
      ['http_server_request_duration_seconds_bucket', { route: '/greet', status: '200' }, 1],
      ['rpc_server_call_duration_seconds_bucket', { method: 'Greet', status: 'OK' }, 3],
    ] as const) {
      await until(async () => (await exemplarsOf(metric)).length > 0);
      const series = await exemplarsOf(metric);
      expect(series).toHaveLength(1);
      expect(series[0]?.seriesLabels).toMatchObject(labels);
      const [exemplar, ...others] = series[0]?.exemplars ?? [];
      expect(others).toEqual([]);
      expect(exemplar?.labels.trace_id).toBe(String(id).repeat(32));
      expect(Number(exemplar?.value)).toBeLessThanOrEqual(Number(series[0]?.seriesLabels.le));
      // The ids are those of the exported span and of the request's log line.
      await until(() => receiver.spans.some(({ spanId }) => spanId === exemplar?.labels.span_id));
      const line = program.lines.find(({ span_id }) => span_id === exemplar?.labels.span_id);
      expect(line?.trace_id).toBe(exemplar?.labels.trace_id);
    }
  });

  it('scrapes the same metrics, under the same names, as in the Prometheus text format', async () => {
    const text = await (await fetch(`${(await program.listening()).admin}/metrics`)).text();
    const names = [...text.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)].map(([, name]) => String(name));
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) {
      // A metric without a series appears in neither format.
      const isEmpty = !new RegExp(`^${name}[ {]`, 'm').test(text);
      if (!isEmpty) expect(await sampleOf(`count(${name})`), name).toBeGreaterThan(0);
    }
    await until(
      async () => (await sampleOf('http_server_request_duration_seconds_count{route="/greet"}')) === 3,
    );
    expect(await sampleOf('up')).toBe(1);
  });
});
