import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createGrpcClient,
  createHttpClient,
  type GrpcClient,
  type HttpClient,
} from '../../src/client/exports.ts';
import { cases } from '../cases.ts';
import { startTestService, type TestService, until } from '../support/service.ts';
import { errorOf } from './error-of.ts';

describe.each(['HTTP', 'gRPC'] as const)('the %s client', (transport) => {
  let service: TestService;
  let client: Pick<HttpClient, 'greet'>;
  let grpc: GrpcClient;
  beforeAll(async () => {
    service = await startTestService();
    grpc = createGrpcClient({ address: service.urls.grpc });
    client = transport === 'HTTP' ? createHttpClient({ url: service.urls.http }) : grpc;
  });
  afterAll(async () => {
    grpc.close();
    await service.drain();
  });

  it.each(cases)('greets or refuses $title as the service does', async ({ name, greeting, faults }) => {
    if (greeting !== undefined) return expect(await client.greet(name)).toEqual({ message: greeting });
    const error = await errorOf(client.greet(name));
    expect(error.kind).toBe('invalid');
    expect(error.message).toBe(faults?.map((fault) => `name ${fault}`).join('; '));
    expect(error.violations).toEqual(faults?.map((detail) => ({ field: 'name', detail })));
    expect(error.requestId).toMatch(/^[0-9a-f]{16}-/);
  });

  it('refuses lone surrogates itself, because no transport can carry them', async () => {
    const { kind, violations } = await errorOf(client.greet('a\uD83D'));
    expect(kind).toBe('invalid');
    expect(violations).toEqual([{ field: 'name', detail: 'must not contain lone surrogates, got U+D83D' }]);
  });

  it('sends the request id of the call', async () => {
    const { requestId } = await errorOf(client.greet('', { requestId: 'mine' }));
    expect(requestId).toBe('mine');
  });

  it('sends the trace context of its caller', async () => {
    const traceId = transport === 'HTTP' ? 'a'.repeat(32) : 'b'.repeat(32);
    const inject = (carrier: Record<string, string>) => {
      carrier.traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
    };
    const traced = createGrpcClient({ address: service.urls.grpc, inject });
    await (transport === 'HTTP' ? createHttpClient({ url: service.urls.http, inject }) : traced).greet(
      'Alice',
    );
    traced.close();
    await until(() => service.lines.some(({ trace_id }) => trace_id === traceId));
  });

  it.each([
    ['before the call', 0],
    ['before the response', 30],
  ])('can be cancelled %s', async (_title, delayMs) => {
    const controller = new AbortController();
    if (delayMs === 0) controller.abort();
    else setTimeout(() => controller.abort(), delayMs);
    // Nothing answers there, so only the signal can end the call this soon.
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const patient =
      transport === 'HTTP'
        ? createHttpClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 60_000 })
        : createGrpcClient({ address: 'localhost:1', timeoutMs: 60_000 });
    expect((await errorOf(patient.greet('Alice', { signal: controller.signal }))).kind).toBe('cancelled');
    silent.close();
    if ('close' in patient) patient.close();
  });
});

describe('the HTTP client', () => {
  let server: Server | undefined;
  afterEach(() => server?.closeAllConnections());
  const serve = async (listener: RequestListener) => {
    server = createServer(listener).listen(0, '127.0.0.1').unref();
    await new Promise((resolve) => server?.once('listening', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('returns the readiness of a service that is ready or draining', async () => {
    const service = await startTestService({ DRAIN_DELAY_MS: '300' });
    const client = createHttpClient({ url: `${service.urls.http}/` });
    expect(await client.readiness()).toEqual({ status: 'ready' });
    const draining = service.drain();
    expect(await client.readiness()).toEqual({ status: 'draining' });
    await draining;
  });

  it('retries after a lost connection and after 503, and succeeds', async () => {
    let count = 0;
    const url = await serve((request, response) => {
      count += 1;
      if (count === 1) request.socket.destroy();
      else if (count === 2) response.writeHead(503).end();
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"Hello, Alice"}');
    });
    expect(await createHttpClient({ url }).greet('Alice')).toEqual({ message: 'Hello, Alice' });
    expect(count).toBe(3);
  });

  it('fails after the configured number of attempts', async () => {
    let count = 0;
    const url = await serve((_request, response) => {
      count += 1;
      response.writeHead(503).end();
    });
    expect((await errorOf(createHttpClient({ url, attempts: 2 }).greet('Alice'))).kind).toBe('unavailable');
    expect(count).toBe(2);
  });

  it('does not retry an error that a retry cannot cure', async () => {
    let count = 0;
    const url = await serve((_request, response) => {
      count += 1;
      response.writeHead(500).end('oops');
    });
    const error = await errorOf(createHttpClient({ url }).greet('Alice'));
    expect(error).toMatchObject({
      kind: 'failed',
      message: `${url}/greet answered 500 (no type), unlike greet.`,
    });
    expect(count).toBe(1);
  });

  it('does not wait longer than its timeout', async () => {
    const url = await serve(() => {});
    const error = await errorOf(createHttpClient({ url, timeoutMs: 100 }).greet('Alice'));
    expect(error).toMatchObject({ kind: 'timeout', message: `${url}/greet did not answer within 100 ms.` });
  });

  it('can be cancelled while it waits for the response', async () => {
    const url = await serve(() => {});
    const error = await errorOf(
      createHttpClient({ url }).greet('Alice', { signal: AbortSignal.timeout(50) }),
    );
    expect(error.kind).toBe('cancelled');
  });

  it('names the reason why the service cannot be reached', async () => {
    // The port is free again after this.
    const url = await serve(() => {});
    await new Promise((resolve) => server?.close(resolve));
    expect(await errorOf(createHttpClient({ url }).greet('Alice'))).toMatchObject({
      kind: 'unavailable',
      message: `${url}/greet cannot be reached: connect ECONNREFUSED ${url.replace('http://', '')}`,
    });
  });

  it('imports only its own files, and takes less than 3 kB in a browser', async () => {
    const { metafile, outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('../../src/client/http.ts', import.meta.url))],
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      metafile: true,
      write: false,
    });
    for (const file of Object.keys(metafile.inputs)) expect(file).toMatch(/^src\/client\/[a-z-]+\.ts$/);
    expect(outputFiles[0]?.contents.length).toBeLessThan(3_000);
  });
});

describe('the gRPC client', () => {
  it('calls all its addresses in turn, and loses no call when one of them stops', async () => {
    const services = [await startTestService(), await startTestService()];
    const addresses = services.map(({ urls }) => urls.grpc.replace('localhost', '127.0.0.1'));
    const client = createGrpcClient({ address: `ipv4:${addresses.join(',')}` });
    const greetMany = async () => {
      for (let count = 0; count < 40; count += 1)
        expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    };
    await greetMany();
    const callsOf = (service: TestService | undefined) =>
      service?.lines.filter(({ msg }) => msg === 'call').length;
    for (const service of services) expect(callsOf(service)).toBeGreaterThan(10);
    await Promise.all([greetMany(), services[0]?.drain()]);
    await greetMany();
    client.close();
    await services[1]?.drain();
  });

  it('waits for a service that is not there yet, but no longer than its timeout', async () => {
    const client = createGrpcClient({ address: 'localhost:1', timeoutMs: 200 });
    expect((await errorOf(client.greet('Alice'))).kind).toBe('timeout');
    client.close();
  });

  it('returns the health status of the service', async () => {
    const service = await startTestService();
    const client = createGrpcClient({ address: service.urls.grpc });
    expect(await client.health()).toBe('SERVING');
    client.close();
    await service.drain();
  });
});
