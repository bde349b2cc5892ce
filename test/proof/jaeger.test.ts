import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/grpc.ts';
import { greetService } from '../../src/grpc/contract.ts';
import { isPresent, type Running, start } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

// The ports that Jaeger uses without a configuration, as in deploy/compose.yaml.
const collector = 'http://localhost:4318';
const jaegerUrl = 'http://localhost:16686';

interface Tag {
  readonly key: string;
  readonly value: unknown;
}
/** A trace in the form of Jaeger's API: <https://www.jaegertracing.io/docs/latest/architecture/apis/>. */
interface Trace {
  readonly traceID: string;
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly references: readonly { readonly refType: string; readonly spanID: string }[];
    readonly tags: readonly Tag[];
  }[];
  readonly processes: Readonly<
    Record<string, { readonly serviceName: string; readonly tags: readonly Tag[] }>
  >;
}

const valuesOf = (tags: readonly Tag[]) => Object.fromEntries(tags.map(({ key, value }) => [key, value]));

async function query(path: string): Promise<readonly Trace[]> {
  const response = await fetch(`${jaegerUrl}/api/traces${path}`);
  return response.ok ? ((await response.json()) as { data: readonly Trace[] }).data : [];
}

/** The trace, once it has this many spans. */
async function traceOf(traceId: unknown, spanCount: number): Promise<Trace> {
  let found: Trace | undefined;
  await until(async () => {
    [found] = await query(`/${traceId}`);
    return found?.spans.length === spanCount;
  });
  return found as Trace;
}

describe('two replicas that send their traces to Jaeger', () => {
  let jaeger: Running;
  let replicas: readonly Program[] = [];
  beforeAll(async () => {
    if (!isPresent('jaeger'))
      throw new Error('Jaeger is not on PATH: .ci/jaeger <folder> builds it, as <folder>/bin/jaeger');
    jaeger = start('jaeger', []);
    await until(async () => (await fetch(`${jaegerUrl}/api/services`).catch(() => undefined))?.ok === true);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_BSP_SCHEDULE_DELAY: '100' };
    replicas = await Promise.all([runProgram({ env }), runProgram({ env })]);
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.dispose()));
    jaeger?.process.kill('SIGTERM');
    await jaeger?.result;
  });

  const lineOf = (replica: Program, requestId: string) =>
    replica.lines.find((line) => line.requestId === requestId);

  async function greet(replica: Program, requestId: string, headers: Record<string, string> = {}) {
    const { http } = await replica.listening();
    await fetch(`${http}/greet?name=Alice`, { headers: { 'x-request-id': requestId, ...headers } });
    await until(() => lineOf(replica, requestId) !== undefined);
    return lineOf(replica, requestId);
  }

  it('have a trace for the trace id of a log line, whose span has the request id of that line', async () => {
    for (const [index, replica] of replicas.entries()) {
      const line = await greet(replica, `from-log-${index}`);
      expect(line).toMatchObject({ trace_flags: '01' });
      const { spans } = await traceOf(line?.trace_id, 1);
      expect(spans[0]).toMatchObject({ operationName: 'GET /greet', spanID: line?.span_id });
      expect(valuesOf(spans[0]?.tags ?? [])).toMatchObject({
        'span.kind': 'server',
        'request.id': `from-log-${index}`,
        'http.response.status_code': 200,
        'client.address': expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
        'client.port': expect.any(Number),
      });
    }
  });

  it('have different instance ids in one trace, over both transports', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    const [first, second] = replicas as [Program, Program];
    await greet(first, 'one-trace', { traceparent });
    const { grpc } = await second.listening();
    const client = new Client(grpc, credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set('traceparent', traceparent);
    const { path, requestSerialize, responseDeserialize } = greetService.Greet;
    await new Promise((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { message: 'Alice' },
        metadata,
        resolve,
      );
    });
    client.close();

    const { spans, processes } = await traceOf(traceId, 2);
    expect(spans.map(({ operationName }) => operationName).sort()).toEqual([
      'GET /greet',
      'greet.GreetService/Greet',
    ]);
    const resources = spans.map(({ processID }) => processes[processID]);
    for (const resource of resources) {
      expect(resource?.serviceName).toBe('greet');
      expect(valuesOf(resource?.tags ?? [])).toMatchObject({
        'telemetry.sdk.language': 'nodejs',
        'host.name': expect.any(String),
        'service.version': expect.stringMatching(/^\d/),
      });
    }
    const instances = resources.map((resource) => valuesOf(resource?.tags ?? [])['service.instance.id']);
    expect(new Set(instances).size).toBe(2);
  });

  it('export a failure as an error, and no probes', async () => {
    const [replica] = replicas as [Program, Program];
    const { http, grpc, admin } = await replica.listening();
    for (const path of ['/livez', '/readyz']) await fetch(`${http}${path}`);
    const client = createGrpcClient({ address: grpc });
    await client.health();
    client.close();
    const put = (body: object) =>
      fetch(`${admin}/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    await put({ errorRate: 1 });
    const line = await greet(replica, 'failed');
    await put({ errorRate: 0 });
    const { spans } = await traceOf(line?.trace_id, 1);
    expect(valuesOf(spans[0]?.tags ?? [])).toMatchObject({ 'http.response.status_code': 503, error: true });
    const all = await query('?service=greet&limit=1000');
    const names = new Set(all.flatMap((trace) => trace.spans.map(({ operationName }) => operationName)));
    expect([...names].sort()).toEqual(['GET /greet', 'greet.GreetService/Greet']);
  });
});
