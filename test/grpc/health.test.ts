import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestService, type TestService, until } from '../support/service.ts';

type Definition = NonNullable<(typeof healthService)[string]>;
// The package's own reading of the proto, where ours is under test.
const definition = healthService as Record<'Check' | 'Watch' | 'List', Definition>;

describe('grpc.health.v1.Health', () => {
  let service: TestService;
  let client: Client;
  beforeEach(async () => {
    service = await startTestService();
    client = new Client(service.urls.grpc, credentials.createInsecure());
  });
  afterEach(() => client.close());

  const call = ({ path, requestSerialize, responseDeserialize }: Definition, request: object) =>
    new Promise<unknown>((resolve) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) =>
        resolve(error ? error.code : answer),
      );
    });
  const check = (name: string) => call(definition.Check, { service: name });
  const watch = (name: string) => {
    const { path, requestSerialize, responseDeserialize } = definition.Watch;
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

  it('lists its services', async () => {
    expect(await call(definition.List, {})).toEqual({
      statuses: { '': { status: 'SERVING' }, 'greet.GreetService': { status: 'SERVING' } },
    });
    await service.drain();
  });

  it('answers NOT_FOUND to a check, and SERVICE_UNKNOWN to a watch, of an unknown service', async () => {
    expect(await check('nope')).toBe(status.NOT_FOUND);
    const seen = watch('nope');
    await until(() => seen.length > 0);
    expect(seen).toEqual(['SERVICE_UNKNOWN']);
    await service.drain();
  });

  it('follows readiness, tells its watchers, and ends them so that the drain can end', async () => {
    const watchers = [watch(''), watch('greet.GreetService')];
    await until(() => watchers.every((seen) => seen.length === 1));
    service.readiness.become('draining');
    await until(() => watchers.every((seen) => seen.length === 2));
    expect(await check('greet.GreetService')).toMatchObject({ status: 'NOT_SERVING' });
    await service.drain();
    await until(() => watchers.every((seen) => seen.length === 3));
    for (const seen of watchers) expect(seen).toEqual(['SERVING', 'NOT_SERVING', status.UNAVAILABLE]);
  });
});
