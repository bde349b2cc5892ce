import { connect } from 'node:http2';
import { Agent, get } from 'node:https';
import { expect, it, vi } from 'vitest';
import { grpcClientOf } from '../../support/clients.ts';
import { useFakeClock } from '../../support/fake-clock.ts';
import { patientLimits, startTestService, until } from '../../support/service.ts';
import { createTlsFolder, servedName } from '../../support/tls.ts';

it('new certificates are used under load, without a failed request over HTTP/1.1, HTTP/2 and gRPC', async () => {
  // The files are read only when the test says so: never between the two files of a renewal.
  useFakeClock('setInterval');
  const intervalMs = 1_000;
  const folder = await createTlsFolder();
  const ca = folder.authority.cert;
  const service = await startTestService(
    { ...folder.env, LOG_LEVEL: 'info' },
    { ...patientLimits, sweepIntervalMs: 3_600_000, certificateIntervalMs: intervalMs },
  );

  const url = `${service.urls.http}/greet?name=Alice`;
  const overHttp1 = (agent: Agent) => () =>
    new Promise<string>((resolve, reject) => {
      get(url, { ca, agent }, async (response) =>
        resolve(Buffer.concat(await response.toArray()).toString()),
      ).on('error', reject);
    });
  const keptAgent = new Agent({ keepAlive: true });
  const keptSession = connect(service.urls.http, { ca }).on('error', (error) => failures.push(error));
  const overHttp2 = async (session = keptSession) =>
    Buffer.concat(await session.request({ ':path': '/greet?name=Alice' }).toArray()).toString();
  const overNewHttp2 = async () => {
    const session = connect(service.urls.http, { ca });
    const greeting = await overHttp2(session);
    session.close();
    return greeting;
  };
  const openGrpc = () => grpcClientOf(service, { tls: { ca: Buffer.from(ca) }, attempts: 1 });
  const keptClient = openGrpc();
  const overNewGrpc = async () => {
    const client = openGrpc();
    const { message } = await client.greet('Alice');
    client.close();
    return message;
  };
  const kinds: Record<string, () => Promise<string>> = {
    'HTTP/1.1': overHttp1(keptAgent),
    'HTTP/1.1 on new connections': overHttp1(new Agent({ keepAlive: false })),
    'HTTP/2': () => overHttp2(),
    'HTTP/2 on new connections': overNewHttp2,
    gRPC: async () => (await keptClient.greet('Alice')).message,
    'gRPC on new connections': overNewGrpc,
  };

  const failures: unknown[] = [];
  let rounds = 0;
  let isLoading = true;
  const load = async () => {
    while (isLoading) {
      const requests = Object.entries(kinds).map(async ([kind, greet]) => {
        const greeting = await greet().catch((error: unknown) => error);
        if (greeting !== 'Hello, Alice') failures.push([kind, greeting]);
      });
      await Promise.all(requests);
      rounds += 1;
    }
  };
  const loading = load();
  const untilMoreRounds = async () => {
    const before = rounds;
    await until(() => failures.length > 0 || rounds >= before + 5);
  };

  for (const name of ['second', 'third', 'fourth']) {
    await untilMoreRounds();
    await folder.renew(name);
    for (const [target, alpn] of [
      [service.urls.http, 'http/1.1'],
      [service.urls.http, 'h2'],
      [service.urls.grpc, 'h2'],
    ] as const)
      await until(async () => {
        vi.advanceTimersByTime(intervalMs);
        return (await servedName(target, ca, alpn)) === name;
      });
  }
  await untilMoreRounds();
  isLoading = false;
  await loading;
  expect(failures).toEqual([]);
  expect(service.lines.filter(({ msg }) => msg === 'TLS files loaded')).toHaveLength(3);
  expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  keptAgent.destroy();
  keptSession.close();
  keptClient.close();
  await service.drain();
  await folder.dispose();
});
