import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createGrpcClient, createHttpClient, type GreetError } from '../../src/client/exports.ts';
import { Fleet } from '../support/fleet.ts';
import { resourceUsageOf, ServiceUnderLoad } from '../support/service-under-load.ts';

const soakMs = Number(process.env.SOAK_SECONDS ?? 600) * 1_000;
/** How much more a replica may use at the end than after the warm-up: bytes of its heap and of its memory, and file descriptors. */
const bounds = { heap: 4 * 1024 * 1024, memory: 32 * 1024 * 1024, descriptors: 4 };

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const mb = (value: number) => `${(value / 1024 / 1024).toFixed(1)} MB`;

const fleet = new Fleet();
let lasting: ServiceUnderLoad;
// In turn, the collector accepts spans, never responds, and closes connections.
const moods = ['accepts', 'hangs', 'is gone'] as const;
let mood: (typeof moods)[number] = 'accepts';
const collector = createServer((request, response) => {
  if (mood === 'is gone') return request.socket.destroy();
  request.resume();
  if (mood === 'accepts') response.end();
});
beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  for (let count = 0; count < 2; count += 1) await fleet.add();
  // This replica is measured. It is never restarted, and exports its spans to the collector above.
  lasting = await ServiceUnderLoad.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  });
});
afterAll(async () => {
  collector.closeAllConnections();
  collector.close();
  await Promise.all([fleet.dispose(), lasting.dispose()]);
});

it('serves for the whole time without a failed request, and uses no more memory at the end', async () => {
  const until = performance.now() + soakMs;
  const isOn = () => performance.now() < until;
  let requests = 0;
  const failures: string[] = [];
  const polite = async (what: string, asking: Promise<boolean>) => {
    requests += 1;
    const failure = await asking.then(
      (isRight) => (isRight ? undefined : 'another answer'),
      (error: Error) => error.message,
    );
    if (failure) failures.push(`${what}: ${failure}`);
  };
  const invalid = (asking: Promise<unknown>) =>
    asking.then(
      () => false,
      (error: GreetError) => error.kind === 'invalid',
    );
  const { http, grpc: grpcAddress, admin } = lasting.urls;
  const answers = async (path: string, status: number, accept = '*/*') => {
    const response = await fetch(`${http}${path}`, { headers: { accept } });
    await response.arrayBuffer();
    return response.status === status;
  };

  /** All kinds of valid use, by clients that are created and closed. */
  const mixed = async () => {
    const overHttp = createHttpClient({ url: http });
    const overGrpc = createGrpcClient({ address: grpcAddress, timeoutMs: 5_000 });
    for (let count = 0; count < 50 && isOn(); count += 1) {
      const name = `Zoë ${requests}`;
      await polite(
        'HTTP',
        overHttp.greet(name).then(({ message }) => message === `Hello, ${name}`),
      );
      await polite(
        'gRPC',
        overGrpc.greet(name).then(({ message }) => message === `Hello, ${name}`),
      );
      await polite('bad name', invalid(overHttp.greet('')));
      await polite('bad name over gRPC', invalid(overGrpc.greet('a\u0000')));
      await polite('JSON', answers('/greet?name=Alice', 200, 'application/json'));
      await polite('404', answers(`/nope/${requests}`, 404));
      await polite('document', answers('/openapi.json', 200));
      await polite('docs', answers('/docs/', 200));
      await polite(
        'health',
        overGrpc.health().then((health) => health === 'SERVING'),
      );
      await wait(20);
    }
    overGrpc.close();
  };
  /** Clients that disconnect during a request. */
  const leave = async () => {
    for (const target of [http, `http://${grpcAddress}`]) {
      const socket = connect(Number(new URL(target).port), '127.0.0.1').on('error', () => {});
      socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n'.repeat(5));
      await wait(5);
      socket.resetAndDestroy();
    }
    const signal = AbortSignal.timeout(2);
    await fetch(`${http}/docs/static/swagger-ui-bundle.js`, { signal }).catch(() => {});
    await wait(50);
  };
  /** Injects a delay for a while. No request may fail by it. */
  const rehearse = async () => {
    const body = JSON.stringify({ delayMs: 20 });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${admin}/faults`, { method: 'PUT', body, headers })).status).toBe(200);
    await wait(1_000);
    expect((await fetch(`${admin}/faults`, { method: 'DELETE' })).status).toBe(200);
    await wait(4_000);
  };
  /** Restarts two replicas in turn, under a client that never retries. */
  const rolling = async () => {
    const address = `ipv4:${fleet.ports.map(({ grpc }) => `127.0.0.1:${grpc}`).join(',')}`;
    const client = createGrpcClient({ address, attempts: 1, timeoutMs: 5_000 });
    let isRolling = true;
    const calls = (async () => {
      while (isRolling) {
        await polite(
          'fleet',
          client.greet('Alice').then(({ message }) => message === 'Hello, Alice'),
        );
        await wait(5);
      }
    })();
    expect(await fleet.roll(1)).toEqual([0, 0]);
    isRolling = false;
    await calls;
    client.close();
  };
  const annoy = async () => {
    for (mood of moods) await wait(3_000);
  };
  const forever = async (step: () => Promise<void>) => {
    while (isOn()) await step();
  };
  const look = async () => {
    await wait(500);
    return {
      ...(await resourceUsageOf(lasting.pid)),
      heap: await lasting.heap(),
      series: (await lasting.metrics()).length,
    };
  };

  const working = Promise.all([mixed, mixed, leave, rehearse, rolling, annoy].map((step) => forever(step)));
  await wait(Math.min(soakMs / 3, 60_000));
  const warm = await look();
  await working;
  await wait(6_000);
  const end = await look();
  console.log(
    `${soakMs / 1_000} s, ${requests} polite requests, ${failures.length} failed; heap ${mb(warm.heap)} -> ${mb(end.heap)}, ` +
      `memory ${mb(warm.memory)} -> ${mb(end.memory)}, descriptors ${warm.descriptors} -> ${end.descriptors}, series ${warm.series} -> ${end.series}`,
  );
  expect(failures).toEqual([]);
  expect(end.heap).toBeLessThan(warm.heap + bounds.heap);
  expect(end.memory).toBeLessThan(warm.memory + bounds.memory);
  expect(end.descriptors).toBeLessThan(warm.descriptors + bounds.descriptors);
  expect(end.series).toBeLessThan(warm.series + 60);
  expect(await lasting.active()).toEqual(['http_server_active_requests 0', 'rpc_server_active_calls 0']);
  expect((await lasting.drain()).code).toBe(0);
});
