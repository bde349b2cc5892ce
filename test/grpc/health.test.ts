import { Client, credentials, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonMethod } from '../support/proto.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

const method = (name: string) => jsonMethod('grpc.health.v1.Health', name);

describe('grpc.health.v1.Health', () => {
  let service: TestService;
  let client: Client;
  beforeEach(async () => {
    service = await startTestService({ DRAIN_DELAY_MS: '200' });
    client = new Client(service.urls.grpc, credentials.createInsecure());
  });
  afterEach(() => client.close());

  const call = (name: string, request: { service?: string }) =>
    new Promise<unknown>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = method(name);
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
        resolve(error ?? answer),
      );
    });
  const check = (name: string) => call('Check', { service: name });
  const watch = (name: string) => {
    const { path, requestSerialize, responseDeserialize } = method('Watch');
    const seen: unknown[] = [];
    client
      .makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: name })
      .on('data', ({ status: state }) => seen.push(state))
      .on('error', ({ code }: ServiceError) => seen.push(code));
    return seen;
  };

  it.each(['', 'greet.GreetService'])('serves "%s"', async (name) => {
    expect(await check(name)).toMatchObject({ status: 'SERVING' });
    await service.drain();
  });

  it('lists the services', async () => {
    expect(await call('List', {})).toEqual({
      statuses: { '': { status: 'SERVING' }, 'greet.GreetService': { status: 'SERVING' } },
    });
    await service.drain();
  });

  it('answers NOT_FOUND to a check, and SERVICE_UNKNOWN to a watch, of anything else', async () => {
    const refusal = (await check('nope')) as ServiceError & { metadata: Metadata };
    expect(refusal.code).toBe(status.NOT_FOUND);
    expect(refusal.metadata.get('x-request-id')).toEqual([expect.any(String)]);
    const seen = watch('nope');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['SERVICE_UNKNOWN']);
    await service.drain();
  });

  it('changes with readiness, tells its watchers, and ends every watch so that the drain can end', async () => {
    const watchers = [watch(''), watch('greet.GreetService')];
    await until(() => watchers.every((seen) => seen.length === 1));
    const draining = service.drain();
    await until(() => watchers.every((seen) => seen.length === 2));
    expect(await check('greet.GreetService')).toMatchObject({ status: 'NOT_SERVING' });
    await draining;
    expect(service.lines.map(({ msg }) => msg)).not.toContain(
      'closing connections whose requests did not end in time',
    );
    await until(() => watchers.every((seen) => seen.length === 3));
    for (const seen of watchers) expect(seen).toEqual(['SERVING', 'NOT_SERVING', status.UNAVAILABLE]);
  });
});
