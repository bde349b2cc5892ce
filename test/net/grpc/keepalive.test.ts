import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../../src/client/grpc.ts';
import {
  begin,
  callHeaders,
  data,
  flags,
  frame,
  message,
  preface,
  types,
} from '../../support/http2-frames.ts';
import { RawConnections } from '../../support/raw-connections.ts';
import { startTestService, type TestService, until } from '../../support/service.ts';
import { createTlsFolder } from '../../support/tls.ts';

const env = {
  GRPC_KEEPALIVE_TIME_MS: '300',
  GRPC_KEEPALIVE_TIMEOUT_MS: '300',
  GRPC_MAX_CONNECTION_AGE_GRACE_MS: '5000',
};
const allowedMs = 2_000;

const watching = Buffer.concat([
  preface,
  frame(types.settings),
  begin(0, callHeaders('/grpc.health.v1.Health/Watch')),
  data(0, message(Buffer.alloc(0)), flags.endStream),
]);

/** A caller who watches, and never answers what it is asked. */
async function openSilent({ urls }: TestService, bytes = watching): Promise<Socket> {
  const socket = new RawConnections(urls.grpc).open(bytes);
  await once(socket, 'data');
  return socket;
}

describe('gRPC clients that are silent', () => {
  it.concurrent('are let go of when they do not answer in time', async () => {
    const service = await startTestService(env);
    const socket = await openSilent(service);
    const since = performance.now();
    await until(() => socket.closed);
    expect(performance.now() - since).toBeLessThan(allowedMs);
    await service.drain();
  });

  it.concurrent.each(['clear text', 'TLS'])(
    'are kept when they answer in %s, which takes no call',
    async (kind) => {
      const folder = await createTlsFolder();
      const isSecure = kind === 'TLS';
      const service = await startTestService({ ...env, ...(isSecure && folder.env) });
      const trust = () => credentials.createSsl(Buffer.from(folder.authority.cert));
      const client = new Client(service.urls.grpc, isSecure ? trust() : credentials.createInsecure());
      await new Promise((resolve) => client.waitForReady(Date.now() + 5_000, resolve));
      await sleep(allowedMs);
      expect(client.getChannel().getConnectivityState(false)).toBe(connectivityState.READY);
      client.close();
      await service.drain();
      await folder.dispose();
    },
  );

  it.concurrent('are kept as long as they like where it is 0', async () => {
    const service = await startTestService({ ...env, GRPC_KEEPALIVE_TIME_MS: '0' });
    const socket = await openSilent(service);
    await sleep(allowedMs);
    expect(socket.closed).toBe(false);
    socket.destroy();
    await service.drain();
  });

  it.concurrent('hold no drain', async () => {
    const service = await startTestService({ ...env, GRPC_KEEPALIVE_TIMEOUT_MS: '500' });
    // A call that never arrives in full, and then a ping of four bytes, after which Node reads no more and does not say so.
    const goaway = frame(types.goaway, { payload: Buffer.alloc(8) });
    const malformed = frame(types.ping, { payload: Buffer.alloc(4) });
    const socket = await openSilent(
      service,
      Buffer.concat([preface, frame(types.settings), begin(0), goaway, malformed]),
    );
    socket.destroy();
    const since = performance.now();
    await service.drain();
    expect(performance.now() - since).toBeLessThan(allowedMs);
    expect(service.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });
});

describe('gRPC calls on a connection that is on its way out', () => {
  it.concurrent.each([
    ['in a drain', {}, true],
    ['because of its age', { GRPC_MAX_CONNECTION_AGE_MS: '300' }, false],
  ])('%s are not cut by keepalive', async (_title, more, isDrained) => {
    const service = await startTestService({ ...env, ...more });
    await request(service.urls.admin).put('/faults').send({ delayMs: allowedMs });
    const client = createGrpcClient({ address: service.urls.grpc, timeoutMs: 5_000, attempts: 1 });
    const greeting = client.greet('Alice');
    await until(async () =>
      (await (await fetch(`${service.urls.admin}/metrics`)).text()).includes('rpc_server_active_calls 1\n'),
    );
    if (isDrained) void service.drain();
    expect(await greeting).toEqual({ message: 'Hello, Alice' });
    client.close();
    if (!isDrained) await service.drain();
  });
});
