import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { grpcClientOf, httpClientOf } from '../support/clients.ts';
import { useFakeClock } from '../support/fake-clock.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

describe('a rate limit over gRPC', () => {
  let service: TestService;
  const clients: { close(): void }[] = [];
  // No window ends.
  beforeEach(() => useFakeClock('performance'));
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await service.drain();
  });
  const start = async (env: Record<string, string>) => {
    service = await startTestService({ RATE_LIMIT_MAX: '3', ...env });
  };
  const connect = (localAddress = '127.0.0.1') => {
    const { port } = new URL(`http://${service.urls.grpc}`);
    const client = new Client(`${localAddress}:${port}`, credentials.createInsecure());
    clients.push(client);
    return client;
  };
  const ask = (client: Client, forwardedFor: readonly string[] = [], name = 'Alice') =>
    new Promise<ServiceError | string>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = greetService.Greet;
      const metadata = new Metadata();
      for (const line of forwardedFor) metadata.add('x-forwarded-for', line);
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { message: name },
        metadata,
        (error, reply) => resolve(error ?? reply?.message ?? ''),
      );
    });
  const codeOf = async (...call: Parameters<typeof ask>) => {
    const answer = await ask(...call);
    return typeof answer === 'string' ? status.OK : answer.code;
  };

  it('refuses calls over the budget, and says when to retry', async () => {
    await start({});
    const client = connect();
    for (const name of ['Alice', '', 'Bob']) await ask(client, [], name);
    const error = (await ask(client)) as ServiceError;
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(error.details).toBe('One address may send 3 requests in 60 s. Try again in 60 s.');
    expect(error.metadata.get('x-request-id')).toEqual([expect.stringMatching(/^[0-9a-f]{16}-/)]);
    // google.rpc.RetryInfo: field 1 is a Duration, whose field 1 is the number of seconds.
    const [details] = error.metadata.get('grpc-status-details-bin');
    const text = Buffer.from(details as Buffer).toString('latin1');
    expect(text.endsWith(`google.rpc.RetryInfo\x12\x04\x0a\x02\x08${String.fromCharCode(60)}`)).toBe(true);
    await until(() => service.lines.some(({ code }) => code === 'RESOURCE_EXHAUSTED'));
    const metrics = await (await fetch(`${service.urls.admin}/metrics`)).text();
    expect(metrics).toMatch(
      /rpc_server_call_duration_seconds_count\{[^}]*method="Greet",status="RESOURCE_EXHAUSTED"\} 1\n/,
    );
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('does not count health checks', async () => {
    await start({ RATE_LIMIT_MAX: '1' });
    const client = grpcClientOf(service);
    clients.push(client);
    expect((await client.greet('Alice')).message).toBe('Hello, Alice');
    for (let count = 0; count < 5; count += 1) expect(await client.health()).toBe('SERVING');
    await expect(client.greet('Alice')).rejects.toMatchObject({ kind: 'refused' });
  });

  it('reads x-forwarded-for of a trusted proxy, and takes its last address', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1' });
    const client = connect();
    for (let count = 0; count < 3; count += 1)
      expect(await codeOf(client, ['198.51.100.1, 203.0.113.1'])).toBe(status.OK);
    expect(await codeOf(client, ['203.0.113.1'])).toBe(status.RESOURCE_EXHAUSTED);
    expect(await codeOf(client, ['198.51.100.2', '203.0.113.1'])).toBe(status.RESOURCE_EXHAUSTED);
    expect(await codeOf(client, ['203.0.113.2'])).toBe(status.OK);
    expect(await codeOf(client)).toBe(status.OK);
  });

  it('ignores x-forwarded-for of other clients', async () => {
    await start({ TRUSTED_PROXIES: '192.0.2.0/24' });
    const client = connect();
    for (const claim of ['203.0.113.1', '203.0.113.2', '192.0.2.1'])
      expect(await codeOf(client, [claim])).toBe(status.OK);
    expect(await codeOf(client, ['203.0.113.4'])).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('is a refusal for both clients, which do not retry it', async () => {
    await start({ RATE_LIMIT_MAX: '1' });
    const ipv4 = (url: string) => url.replace('localhost', '127.0.0.1');
    const grpc = grpcClientOf(service, { address: ipv4(service.urls.grpc), attempts: 3 });
    clients.push(grpc);
    const http = httpClientOf(service, { url: ipv4(service.urls.http), attempts: 3 });
    await grpc.greet('Alice');
    for (const client of [http, grpc]) {
      await expect(client.greet('Alice')).rejects.toMatchObject({
        kind: 'refused',
        message: 'One address may send 1 request in 60 s. Try again in 60 s.',
      });
    }
    await until(() => service.lines.some(({ status: http }) => http === 429));
    expect(service.lines.filter(({ msg }) => msg === 'request' || msg === 'call')).toHaveLength(3);
  });

  it('is one budget for both transports: each client has what is left of it', async () => {
    await start({ TRUSTED_PROXIES: 'loopback' });
    const client = connect();
    const overHttp = async (address: string) => {
      const headers = { 'x-forwarded-for': address };
      const response = await fetch(`${service.urls.http}/greet?name=Alice`, { headers });
      await response.text();
      return response.status === 429 ? 'refused' : response.status;
    };
    const overGrpc = async (address: string) => {
      const code = await codeOf(client, [address]);
      return code === status.RESOURCE_EXHAUSTED ? 'refused' : code;
    };
    const steps = fc.array(fc.record({ client: fc.integer({ min: 1, max: 3 }), isHttp: fc.boolean() }), {
      minLength: 1,
      maxLength: 15,
    });
    let run = 0;
    const seen = { http: 0, grpc: 0 };
    await fc.assert(
      fc.asyncProperty(steps, async (calls) => {
        run += 1;
        const used = new Map<number, number>();
        for (const { client: number, isHttp } of calls) {
          const count = (used.get(number) ?? 0) + 1;
          used.set(number, count);
          const address = `198.18.${run}.${number}`;
          const answer = await (isHttp ? overHttp(address) : overGrpc(address));
          if (count > 3) seen[isHttp ? 'http' : 'grpc'] += 1;
          expect(answer).toBe(count > 3 ? 'refused' : isHttp ? 200 : status.OK);
        }
      }),
      { numRuns: 40, endOnFailure: true },
    );
    expect(seen.http).toBeGreaterThan(5);
    expect(seen.grpc).toBeGreaterThan(5);
  });
});
