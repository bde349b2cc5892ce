import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ListenError, startService } from '../src/service.ts';
import { createTestTelemetry, until } from './support/service.ts';
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
    // Every timer that the start made is stopped, and a change of readiness reaches nobody.
    const timers = started.mock.results.map(({ value }) => value);
    expect(timers.length).toBeGreaterThan(0);
    await until(() => timers.every((timer) => stopped.mock.calls.some(([cleared]) => cleared === timer)));
    for (const { value: unsubscribe } of subscribe.mock.results) expect(unsubscribe()).toBe(false);
    occupied.close();
    await folder.dispose();
  });
});
