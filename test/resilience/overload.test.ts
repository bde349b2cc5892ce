import type { ServiceError as GrpcError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient, createHttpClient, type GreetError } from '../../src/client/exports.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { type Overload, protect, watchOverload } from '../../src/resilience/overload.ts';
import { ServiceError } from '../../src/resilience/service-error.ts';
import { startTestService, until } from '../support/service.ts';

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const block = (milliseconds: number) => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

const sleeper = new Int32Array(new SharedArrayBuffer(4));
/** The process sleeps, as it does after SIGSTOP. */
const standStill = (milliseconds: number) => Atomics.wait(sleeper, 0, 0, milliseconds);

describe('watchOverload', () => {
  let overload: Overload;
  afterEach(() => overload.stop());

  it('refuses only while the event loop is late', async () => {
    overload = watchOverload(200);
    const double = protect((value: number) => value * 2, { overload, faults: createFaults() });
    await wait(120);
    expect(double(21)).toBe(42);
    // On a busy machine, a process may get too little of the CPU for its first lateness to count.
    await until(async () => {
      block(400);
      await wait(0);
      return overload.isOverloaded;
    });
    expect(() => double(21)).toThrow(ServiceError);
    await until(() => !overload.isOverloaded);
    expect(double(21)).toBe(42);
  });

  it('refuses nothing after a time in which the process was stopped', async () => {
    overload = watchOverload(200);
    await wait(120);
    standStill(2_000);
    await wait(0);
    expect(overload.isOverloaded).toBe(false);
  });

  it('refuses when the event loop is late repeatedly, even with little CPU time', async () => {
    overload = watchOverload(200);
    await wait(120);
    const states: boolean[] = [];
    for (let count = 0; count < 3; count += 1) {
      standStill(400);
      await wait(0);
      states.push(overload.isOverloaded);
    }
    expect(states).toEqual([false, true, true]);
  });
});

async function refusedOverHttp(url: string): Promise<Response> {
  for (;;) {
    const response = await fetch(`${url}/greet?name=Alice`);
    if (response.status === 503) return response;
  }
}

describe('an overloaded service', () => {
  it('refuses greetings over both transports and answers its probes', async () => {
    const service = await startTestService({ MAX_EVENT_LOOP_DELAY_MS: '0' });
    const http = createHttpClient({ url: service.urls.http, attempts: 1 });
    const grpc = createGrpcClient({ address: service.urls.grpc, attempts: 1 });
    // With no patience at all, the least lateness is too much: it comes sooner or later.
    const refused = async (greet: () => Promise<unknown>) => {
      for (;;) {
        const error = await greet().then(
          () => undefined,
          (reason: GreetError) => reason,
        );
        if (error) return error;
      }
    };
    for (const client of [http, grpc]) {
      const error = await refused(() => client.greet('Alice'));
      expect(error).toMatchObject({
        kind: 'unavailable',
        message: 'The service is overloaded. Try again in a second.',
      });
      expect((await fetch(`${service.urls.http}/readyz`)).status).toBe(200);
    }
    // Both say when to ask again: as a header, and as google.rpc.RetryInfo.
    const answer = await refusedOverHttp(service.urls.http);
    expect(answer.headers.get('retry-after')).toBe('1');
    const { cause } = await refused(() => grpc.greet('Alice'));
    const [details] = (cause as GrpcError).metadata.get('grpc-status-details-bin');
    const text = Buffer.from(details as Buffer).toString('latin1');
    expect(text).toMatch(/type\.googleapis\.com\/google\.rpc\.RetryInfo\x12\x04\x0a\x02\x08\x01$/);
    grpc.close();
    await service.drain();
  });
});
