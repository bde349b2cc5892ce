import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { startReceiver } from '../support/otlp.ts';
import { type Program, runProgram } from '../support/program.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const sampled = `00-${traceId}-${parentId}-01`;
const unsampled = `00-${traceId}-${parentId}-00`;

describe('tracing', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const startTraced = async (env: Record<string, string> = {}, behaviour: 'accept' | 'hang' = 'accept') => {
    const receiver = await startReceiver({ behaviour });
    const program = await runProgram({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env } });
    cleanups.push(() => program.dispose(), receiver.close);
    return { program, receiver, urls: await program.listening() };
  };

  const greetOverHttp = (url: string, traceparent?: string, query = 'name=Alice') =>
    fetch(`${url}/greet?${query}`, { headers: { connection: 'close', ...(traceparent && { traceparent }) } });

  const greetOverGrpc = (address: string, traceparent: string, name = 'Alice') => {
    const client = new Client(address, credentials.createInsecure());
    cleanups.push(() => client.close());
    const metadata = new Metadata();
    metadata.set('traceparent', traceparent);
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

  it("exports the spans of both transports under the caller's trace, though SIGTERM follows at once", async () => {
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
    // One request, from the trace to the log and back.
    const lines = program.lines.filter(({ msg }) => msg === 'request' || msg === 'call');
    expect(lines.map(({ trace_id }) => trace_id)).toEqual([traceId, traceId]);
    expect(lines.map(({ span_id }) => span_id).sort()).toEqual(
      receiver.spans.map(({ spanId }) => spanId).sort(),
    );
  });

  it('begins a trace where the caller has none, and takes a refusal for no error of ours', async () => {
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

  it('follows the caller who does not sample, and says so to nobody but the log', async () => {
    const { program, receiver, urls } = await startTraced();
    await greetOverHttp(urls.http, unsampled);
    await end(program);
    expect(receiver.spans).toEqual([]);
    expect(program.lines.find(({ msg }) => msg === 'request')).toMatchObject({ trace_id: traceId });
  });

  it('samples as OTEL_TRACES_SAMPLER says', async () => {
    const { program, receiver, urls } = await startTraced({
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    await greetOverHttp(urls.http);
    await greetOverHttp(urls.http, sampled);
    await end(program);
    expect(receiver.spans.map((span) => span.traceId)).toEqual([traceId]);
  });

  it.each([
    ['is down', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }],
    ['never answers', {}],
  ])('delays neither a greeting nor the exit when the collector %s', async (_title, env) => {
    const { program, urls } = await startTraced({ OTEL_BSP_SCHEDULE_DELAY: '50', ...env }, 'hang');
    for (let count = 0; count < 20; count += 1) {
      const startedAt = performance.now();
      expect((await greetOverHttp(urls.http, sampled)).status).toBe(200);
      expect(performance.now() - startedAt).toBeLessThan(500);
    }
    const startedAt = performance.now();
    expect(await end(program)).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  it("loads no SDK where no endpoint is set, and logs the caller's trace all the same", async () => {
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
    expect(traced).toMatchObject({ trace_id: traceId });
    expect(untraced).not.toHaveProperty('trace_id');
  });
});
