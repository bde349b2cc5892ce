import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createGrpcClient } from '../src/client/grpc.ts';
import { ListenError, startService } from '../src/service.ts';
import { createTestTelemetry, startTestService, until } from './support/service.ts';
import { createTlsFolder } from './support/tls.ts';

describe('startService', () => {
  it.each(['PORT', 'GRPC_PORT', 'ADMIN_PORT'])('leaves nothing behind if %s is in use', async (variable) => {
    const folder = await createTlsFolder();
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const { port } = occupied.address() as AddressInfo;
    const { lines, ...options } = await createTestTelemetry({
      ...folder.env,
      HOST: '127.0.0.1',
      [variable]: String(port),
    });
    const subscribe = vi.spyOn(options.readiness, 'subscribe');
    const [started, stopped] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearInterval')];
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(startService(options)).rejects.toThrow(ListenError);
    expect(options.readiness.state).toBe('starting');
    // All timers of the start must be stopped, and all listeners of the readiness removed.
    const timers = started.mock.results.map(({ value }) => value);
    expect(timers.length).toBeGreaterThan(0);
    await until(() => timers.every((timer) => stopped.mock.calls.some(([cleared]) => cleared === timer)));
    for (const { value: unsubscribe } of subscribe.mock.results) expect(unsubscribe()).toBe(false);
    occupied.close();
    await folder.dispose();
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some(({ address }) => address === '::1'),
);

describe('HOST=[::]', () => {
  it.each([
    ['IPv4', '127.0.0.1', true],
    ['IPv6', '[::1]', hasIpv6],
  ])('serves all three ports over %s', async (_version, host, isThere) => {
    const service = await startTestService({ HOST: '[::]' });
    onTestFinished(() => service.drain());
    const { http, grpc, admin } = service.urls;
    const at = (url: string) => url.replace(/\[::\]|0\.0\.0\.0/, host);
    // Without IPv6 the service must log that it listens on IPv4 only.
    if (!isThere) return expect([http, grpc, admin].join()).not.toContain('::');
    expect(await (await fetch(`${at(http)}/greet?name=Alice`)).text()).toBe('Hello, Alice');
    expect((await fetch(`${at(admin)}/version`)).status).toBe(200);
    const client = createGrpcClient({ address: at(grpc) });
    expect((await client.greet('Alice')).message).toBe('Hello, Alice');
    client.close();
    const clients = service.lines.filter(({ msg }) => msg === 'request' || msg === 'call');
    expect(clients.map(({ client }) => client)).toEqual(
      Array(2).fill(host === '127.0.0.1' ? host : '0:0:0:0::/64'),
    );
  });
});
