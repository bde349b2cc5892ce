import { connect } from 'node:http2';
import { Agent, get } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createGrpcClient } from '../../../src/client/grpc.ts';
import { startTestService, until } from '../../support/service.ts';
import { createTlsFolder, servedName } from '../../support/tls.ts';

it('takes up new certificates under load, without a failed request over HTTP/1.1, HTTP/2 and gRPC', async () => {
  const folder = await createTlsFolder();
  const ca = folder.authority.cert;
  const service = await startTestService({ ...folder.env, LOG_LEVEL: 'info' });
  const failures: unknown[] = [];
  const greetings = { http1: 0, http2: 0, grpc: 0 };
  let isLoading = true;
  const load = async (kind: keyof typeof greetings, greet: () => Promise<string>) => {
    while (isLoading) {
      const greeting = await greet().catch((error: unknown) => error);
      if (greeting === 'Hello, Alice') greetings[kind] += 1;
      else failures.push([kind, greeting]);
      await sleep(2);
    }
  };

  const url = `${service.urls.http}/greet?name=Alice`;
  const overHttp1 = (agent: Agent) => () =>
    new Promise<string>((resolve, reject) => {
      get(url, { ca, agent }, async (response) =>
        resolve(Buffer.concat(await response.toArray()).toString()),
      ).on('error', reject);
    });
  const kept = new Agent({ keepAlive: true });
  const session = connect(service.urls.http, { ca }).on('error', (error) => failures.push(error));
  const overHttp2 = async (on = session) =>
    Buffer.concat(await on.request({ ':path': '/greet?name=Alice' }).toArray()).toString();
  const overNewHttp2 = async () => {
    const fresh = connect(service.urls.http, { ca });
    const greeting = await overHttp2(fresh);
    fresh.close();
    return greeting;
  };
  const open = () =>
    createGrpcClient({ address: service.urls.grpc, tls: { ca: Buffer.from(ca) }, attempts: 1 });
  const client = open();
  const overNewGrpc = async () => {
    const fresh = open();
    const { message } = await fresh.greet('Alice');
    fresh.close();
    return message;
  };

  const loads = [
    load('http1', overHttp1(kept)),
    load('http1', overHttp1(new Agent({ keepAlive: false }))),
    load('http2', () => overHttp2()),
    load('http2', overNewHttp2),
    load('grpc', async () => (await client.greet('Alice')).message),
    load('grpc', overNewGrpc),
  ];
  for (const name of ['second', 'third', 'fourth']) {
    await folder.renew(name);
    for (const [target, alpn] of [
      [service.urls.http, 'http/1.1'],
      [service.urls.http, 'h2'],
      [service.urls.grpc, 'h2'],
    ] as const)
      await until(async () => (await servedName(target, ca, alpn)) === name);
  }
  isLoading = false;
  await Promise.all(loads);
  expect(failures).toEqual([]);
  for (const count of Object.values(greetings)) expect(count).toBeGreaterThan(100);
  expect(service.lines.filter(({ msg }) => msg === 'TLS files taken up')).toHaveLength(3);
  expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  kept.destroy();
  session.close();
  client.close();
  await service.drain();
  await folder.dispose();
}, 40_000);
