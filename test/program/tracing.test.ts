import { hostname } from 'node:os';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-node';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/grpc.ts';
import { greetService } from '../../src/grpc/contract.ts';
import { type ReceivedSpan, rejection, startGrpcReceiver, startReceiver } from '../support/otlp.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const sampled = `00-${traceId}-${parentId}-01`;
const unsampled = `00-${traceId}-${parentId}-00`;

describe('tracing', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const startTraced = async (
    env: Record<string, string> = {},
    behaviour: 'accept' | 'hang' | 'reject' = 'accept',
  ) => {
    const receiver = await startReceiver({ behaviour });
    const program = await runProgram({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env } });
    cleanups.push(() => program.dispose(), receiver.close);
    return { program, receiver, urls: await program.listening() };
  };

  const greetOverHttp = (url: string, traceparent?: string, query = 'name=Alice') =>
    fetch(`${url}/greet?${query}`, { headers: { connection: 'close', ...(traceparent && { traceparent }) } });

  const greetOverGrpc = (
    address: string,
    traceparent: string,
    name = 'Alice',
    headers: Record<string, string> = {},
  ) => {
    const client = new Client(address, credentials.createInsecure());
    cleanups.push(() => client.close());
    const metadata = new Metadata();
    for (const [key, value] of Object.entries({ ...(traceparent && { traceparent }), ...headers }))
      metadata.set(key, value);
    const { path, requestSerialize, responseDeserialize } = greetService.Greet;
    return new Promise<void>((resolve) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { message: name }, metadata, () =>
        resolve(),
      );
    });
  };

  const end = (program: Program) => {
    program.process.kill('SIGTERM');
    return program.exited;
  };

  it("exports the spans of both transports in the caller's trace, even if SIGTERM follows at once", async () => {
    const { program, receiver, urls } = await startTraced();
    await greetOverHttp(urls.http, sampled);
    await greetOverGrpc(urls.grpc, sampled);
    expect(await end(program)).toBe(0);

    expect(receiver.spans.map(({ name }) => name).sort()).toEqual(['GET /greet', 'greet.GreetService/Greet']);
    for (const span of receiver.spans) {
      expect(span).toMatchObject({ traceId, parentSpanId: parentId, kind: 2, status: 0 });
      expect(span.resource).toMatchObject({
        'service.name': 'greet',
        'service.version': expect.stringMatching(/^\d+\.\d+\.\d+/),
      });
    }
    const [http, grpc] = receiver.spans.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(http?.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.route': '/greet',
      'http.response.status_code': 200,
      'url.path': '/greet',
      'url.scheme': 'http',
      'server.address': 'localhost',
      'network.protocol.version': '1.1',
    });
    expect(JSON.stringify(http)).not.toContain('Alice');
    expect(grpc?.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': 'greet.GreetService/Greet',
      'rpc.response.status_code': 'OK',
    });
    // The same request can be found in the log from its trace.
    const lines = program.lines.filter(({ msg }) => msg === 'request' || msg === 'call');
    expect(lines.map(({ trace_id }) => trace_id)).toEqual([traceId, traceId]);
    expect(lines.map(({ trace_flags }) => trace_flags)).toEqual(['01', '01']);
    expect(lines.map(({ span_id }) => span_id).sort()).toEqual(
      receiver.spans.map(({ spanId }) => spanId).sort(),
    );
  });

  it('starts a trace if the client has none, and does not mark a refusal as an error', async () => {
    const { program, receiver, urls } = await startTraced();
    await greetOverHttp(urls.http, undefined, 'name=');
    await greetOverHttp(urls.http, 'not-a-traceparent', 'name=');
    await end(program);
    expect(receiver.spans).toHaveLength(2);
    for (const span of receiver.spans) {
      expect(span.parentSpanId).toBe('');
      expect(span.status).toBe(0);
      expect(span.attributes).toMatchObject({ 'http.response.status_code': 400 });
    }
  });

  it('logs the trace of a client that does not sample, and exports nothing', async () => {
    const { program, receiver, urls } = await startTraced();
    await greetOverHttp(urls.http, unsampled);
    await end(program);
    expect(receiver.spans).toEqual([]);
    const line = program.lines.find(({ msg }) => msg === 'request');
    expect(line).toMatchObject({ trace_id: traceId, trace_flags: '00' });
  });

  it('uses the sampler of OTEL_TRACES_SAMPLER', async () => {
    const { program, receiver, urls } = await startTraced({
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    await greetOverHttp(urls.http);
    await greetOverHttp(urls.http, sampled);
    await end(program);
    expect(receiver.spans.map((span) => span.traceId)).toEqual([traceId]);
  });

  it('does not sample more because a client sends a trace without ids', async () => {
    const { program, receiver, urls } = await startTraced({
      OTEL_PROPAGATORS: 'jaeger',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    for (const trace of ['0:0:0:1', 'zz:1:0:1'])
      await fetch(`${urls.http}/greet?name=Alice`, { headers: { 'uber-trace-id': trace } });
    await end(program);
    expect(receiver.spans).toEqual([]);
    const ids = program.lines.filter(({ msg }) => msg === 'request').map(({ trace_id: id }) => id);
    expect(ids).toEqual([undefined, undefined]);
  });

  it('samples a share of the new traces, each with ids of its own', async () => {
    const { program, receiver, urls } = await startTraced({
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    });
    const requests = 400;
    for (let sent = 0; sent < requests; sent += 1) await greetOverHttp(urls.http);
    await end(program);
    const traces = new Set(receiver.spans.map((span) => span.traceId));
    // Eight standard deviations from the mean.
    expect(Math.abs(traces.size - requests / 2)).toBeLessThan(80);
    expect(receiver.spans).toHaveLength(traces.size);
    const logged = program.lines.filter(({ msg, trace_id: id }) => msg === 'request' && id !== undefined);
    expect(new Set(logged.map(({ trace_id: id }) => id))).toEqual(traces);
  });

  it('traces no probe, even if its client sends a trace', async () => {
    const { program, receiver, urls } = await startTraced();
    for (const path of ['/livez', '/readyz', '/livez?verbose'])
      for (const headers of [undefined, { traceparent: sampled }])
        await fetch(`${urls.http}${path}`, headers && { headers });
    const grpc = createGrpcClient({ address: urls.grpc });
    await grpc.health();
    grpc.close();
    await greetOverHttp(urls.http);
    await end(program);
    expect(receiver.spans.map(({ name }) => name)).toEqual(['GET /greet']);
  });

  it('exports attributes of the replica and of the library', async () => {
    const resources = [];
    for (const env of [{}, { OTEL_RESOURCE_ATTRIBUTES: 'k8s.pod.name=greet-1,service.instance.id=a%2Cb' }]) {
      const { program, receiver, urls } = await startTraced({ OTEL_SERVICE_NAME: 'hello', ...env });
      await greetOverHttp(urls.http);
      await end(program);
      resources.push(receiver.spans[0]?.resource);
    }
    const [own, given] = resources;
    expect(own).toMatchObject({
      'service.name': 'hello',
      'service.instance.id': expect.stringMatching(/^[\da-f]{8}-[\da-f-]{27}$/),
      'host.name': hostname(),
      'telemetry.sdk.name': 'opentelemetry',
      'telemetry.sdk.language': 'nodejs',
      'telemetry.sdk.version': expect.stringMatching(/^\d/),
    });
    expect(given).toMatchObject({ 'service.instance.id': 'a,b', 'k8s.pod.name': 'greet-1' });
  });

  it('sets the request id and the client on each span, equal to those in the log', async () => {
    const { program, receiver, urls } = await startTraced();
    await greetOverHttp(urls.http, sampled);
    await greetOverGrpc(urls.grpc, sampled);
    await end(program);
    expect(receiver.spans).toHaveLength(2);
    for (const { spanId, attributes } of receiver.spans) {
      const line = program.lines.find(({ span_id }) => span_id === spanId);
      expect(attributes).toMatchObject({
        'request.id': line?.requestId,
        'client.address': expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
        'client.port': expect.any(Number),
        'user_agent.original': line?.userAgent,
      });
      expect(attributes['network.peer.address']).toBe(attributes['client.address']);
      expect(attributes['network.peer.port']).toBe(attributes['client.port']);
    }
  });

  it('sets the client behind a trusted proxy, without the port of the proxy', async () => {
    const { program, receiver, urls } = await startTraced({ TRUSTED_PROXIES: 'loopback' });
    const forwarded = '198.51.100.1, 2001:db8::7';
    await fetch(`${urls.http}/greet?name=Alice`, { headers: { 'x-forwarded-for': forwarded } });
    await greetOverGrpc(urls.grpc, sampled, 'Alice', { 'x-forwarded-for': forwarded });
    await end(program);
    expect(receiver.spans).toHaveLength(2);
    for (const { attributes } of receiver.spans) {
      expect(attributes).toMatchObject({
        'client.address': '2001:db8::7',
        'network.peer.port': expect.any(Number),
      });
      expect(attributes).not.toHaveProperty('client.port');
    }
  });

  const b3 = `${traceId}-${parentId}-1`;
  it.each<[string, Record<string, string>, string | undefined]>([
    ['b3', { b3 }, traceId],
    ['b3', { traceparent: sampled }, undefined],
    ['b3multi', { 'x-b3-traceid': traceId, 'x-b3-spanid': parentId, 'x-b3-sampled': '1' }, traceId],
    ['tracecontext,b3', { b3 }, traceId],
    ['none', { traceparent: sampled, b3 }, undefined],
  ])('reads the trace of the client with OTEL_PROPAGATORS=%s from %j', async (names, headers, expected) => {
    const { program, receiver, urls } = await startTraced({ OTEL_PROPAGATORS: names });
    await fetch(`${urls.http}/greet?name=Alice`, { headers });
    await greetOverGrpc(urls.grpc, '', 'Alice', headers);
    await end(program);
    expect(receiver.spans).toHaveLength(2);
    for (const span of receiver.spans) {
      expect(span.traceId === traceId ? traceId : undefined).toBe(expected);
      expect(span.parentSpanId).toBe(expected ? parentId : '');
    }
  });

  it('samples the configured share of the traces by their ids', async () => {
    const { program, receiver, urls } = await startTraced({
      OTEL_TRACES_SAMPLER: ' TraceIdRatio ',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
    });
    const count = 200;
    for (let index = 0; index < count; index += 1) await fetch(`${urls.http}/greet?name=Alice`);
    await end(program);
    // Six standard deviations on either side of the mean, 100.
    expect(Math.abs(receiver.spans.length - count / 2)).toBeLessThan(43);
    const lines = program.lines.filter(({ msg }) => msg === 'request');
    expect(lines).toHaveLength(count);
    // The log has no trace id for a request that is not sampled and brought no trace of its own.
    expect(lines.filter((line) => 'trace_id' in line)).toHaveLength(receiver.spans.length);
    const sampler = new TraceIdRatioBasedSampler(0.5);
    for (const span of receiver.spans)
      expect(sampler.shouldSample(ROOT_CONTEXT, span.traceId).decision).toBe(
        SamplingDecision.RECORD_AND_SAMPLED,
      );
  });

  it.each([
    ['http/protobuf', startReceiver],
    ['http/json', startReceiver],
    ['grpc', startGrpcReceiver],
  ])('exports over %s', async (protocol, start) => {
    const receiver = await start();
    const program = await runProgram({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
    });
    cleanups.push(() => program.dispose(), receiver.close);
    await greetOverHttp((await program.listening()).http, sampled);
    expect(await end(program)).toBe(0);
    expect(receiver.spans.map((span: ReceivedSpan) => span.traceId)).toEqual([traceId]);
    if ('contentTypes' in receiver)
      expect(receiver.contentTypes).toEqual([
        protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
      ]);
    expect(program.stderr()).toBe('');
  });

  it('writes a log line for each span with OTEL_TRACES_EXPORTER=console', async () => {
    // The id of the host takes longer to read than the whole test.
    const code = `
      import fs from 'node:fs';
      const { readFile } = fs.promises;
      fs.promises.readFile = async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return readFile(...args);
      };`;
    const program = await runProgram({
      env: { OTEL_TRACES_EXPORTER: 'console', DRAIN_DELAY_MS: '0' },
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(code)}`],
    });
    cleanups.push(() => program.dispose());
    await greetOverHttp((await program.listening()).http, sampled);
    await end(program);
    expect(program.lines.filter(({ msg }) => msg === 'span')).toEqual([
      expect.objectContaining({
        trace_id: traceId,
        parent_span_id: parentId,
        name: 'GET /greet',
        durationMs: expect.any(Number),
        attributes: expect.objectContaining({ 'http.route': '/greet' }),
      }),
    ]);
  });

  const misunderstood = {
    OTEL_TRACES_EXPORTER: 'otlp,zipkin',
    OTEL_TRACES_SAMPLER: 'sometimes',
    OTEL_PROPAGATORS: 'tracecontext,carrier-pigeon',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'thrift',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'zstd',
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization',
    OTEL_RESOURCE_ATTRIBUTES: 'a=b=c',
    OTEL_BSP_MAX_QUEUE_SIZE: '-1',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '0',
    OTEL_BSP_SCHEDULE_DELAY: 'soon',
    OTEL_EXPORTER_OTLP_TIMEOUT: '1e12',
    OTEL_ATTRIBUTE_COUNT_LIMIT: 'many',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_LOGS_EXPORTER: 'otlp',
    OTEL_CONFIG_FILE: 'otel.yaml',
  };

  it('logs values that are not valid once, and uses the defaults', async () => {
    const { program, receiver, urls } = await startTraced({ OTEL_SDK_DISABLED: 'nope', ...misunderstood });
    await greetOverHttp(urls.http, sampled);
    await greetOverHttp(urls.http);
    expect(await end(program)).toBe(0);
    expect(receiver.spans).toHaveLength(2);
    const [warning, ...others] = program.lines.filter(({ level }) => level === 'warn');
    expect(others).toEqual([]);
    const remarks = warning?.remarks as string[];
    for (const name of ['OTEL_SDK_DISABLED', ...Object.keys(misunderstood)])
      expect(
        remarks.filter((remark) => remark.includes(name)),
        name,
      ).toHaveLength(1);
    // The log does not show the value, which may be a secret.
    expect(JSON.stringify(program.lines)).not.toContain('authorization');
    expect(program.stderr()).toBe('');
  });

  it.each([
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', 'half'],
  ])('samples everything for %s=%s, and logs a warning', async (name, value) => {
    const { program, receiver, urls } = await startTraced({
      OTEL_TRACES_SAMPLER: 'traceidratio',
      [name]: value,
    });
    await greetOverHttp(urls.http);
    await end(program);
    expect(receiver.spans).toHaveLength(1);
    expect(JSON.stringify(program.lines.find(({ level }) => level === 'warn')?.remarks)).toContain(name);
  });

  it.each<Record<string, string>>([{ OTEL_SDK_DISABLED: 'TRUE' }, { OTEL_TRACES_EXPORTER: 'none' }])(
    'logs no warning if it is off: %j',
    async (env) => {
      const { program, receiver, urls } = await startTraced({ ...misunderstood, ...env });
      await greetOverHttp(urls.http, sampled);
      await end(program);
      expect(receiver.spans).toEqual([]);
      expect(program.lines.filter(({ level }) => level !== 'info')).toEqual([]);
    },
  );

  it('logs the response of a collector that rejects spans, as fields', async () => {
    const { program, urls } = await startTraced({ OTEL_BSP_SCHEDULE_DELAY: '50' }, 'reject');
    await greetOverHttp(urls.http, sampled);
    await until(() => program.lines.some(({ level }) => level === 'warn'));
    await end(program);
    expect(program.lines.filter(({ level }) => level === 'warn')).toEqual([
      expect.objectContaining({
        msg: 'spans were not exported',
        err: expect.objectContaining({ type: 'OTLPExporterError', code: 400, data: rejection }),
      }),
    ]);
  });

  it.each([
    ['is down', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
    ['never answers', {}],
  ])('delays neither a greeting nor the exit when the collector %s', async (_title, env) => {
    // Ten minutes: if anything waited for the collector, this test would run into its timeout.
    const patience = { OTEL_EXPORTER_OTLP_TIMEOUT: '600000', OTEL_BSP_EXPORT_TIMEOUT: '600000' };
    const { program, urls } = await startTraced(
      { OTEL_BSP_SCHEDULE_DELAY: '50', ...patience, ...env },
      'hang',
    );
    for (let count = 0; count < 20; count += 1)
      expect((await greetOverHttp(urls.http, sampled)).status).toBe(200);
    expect(await end(program)).toBe(0);
  });

  it("loads no SDK if no endpoint is set, and still logs the client's trace", async () => {
    const listing =
      "process.on('exit', () => console.error(Object.keys(require.cache).filter((name) => name.includes('opentelemetry/sdk')).join()))";
    const program = await runProgram({
      nodeOptions: [
        '--import',
        `data:text/javascript,${encodeURIComponent(`import { createRequire } from 'node:module'; const require = createRequire('${import.meta.url}'); ${listing}`)}`,
      ],
    });
    cleanups.push(() => program.dispose());
    const { http } = await program.listening();
    await greetOverHttp(http, sampled);
    await greetOverHttp(http, '00-00000000000000000000000000000000-b7ad6b7169203331-01');
    await end(program);
    expect(program.stderr().trim()).toBe('');
    const [traced, untraced] = program.lines.filter(({ msg }) => msg === 'request');
    expect(traced).toMatchObject({ trace_id: traceId, trace_flags: '01' });
    expect(untraced).not.toHaveProperty('trace_id');
  });
});
