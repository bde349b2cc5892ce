import type { ServiceError as GrpcError } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createGrpcClient, createHttpClient, type GreetError } from '../../src/client/exports.ts';
import type { Lap } from '../../src/net/stopped-process.ts';
import { createFaults } from '../../src/resilience/faults.ts';
import { protect, watchOverload } from '../../src/resilience/overload.ts';
import { ServiceError } from '../../src/resilience/service-error.ts';
import { useFakeClock } from '../support/fake-clock.ts';
import { startTestService } from '../support/service.ts';

describe('watchOverload', () => {
  const onTime = { elapsedMs: 60, hasRun: true };
  const busy = { elapsedMs: 300, hasRun: true };
  const stoodStill = { elapsedMs: 300, hasRun: false };

  it.each<[string, readonly Lap[], readonly boolean[]]>([
    ['refuses only while the event loop is late', [onTime, busy, busy, onTime], [false, true, true, false]],
    ['refuses nothing after a stop of the process', [onTime, stoodStill, onTime], [false, false, false]],
    [
      'refuses when the event loop is late repeatedly, even with little CPU time',
      [stoodStill, stoodStill, stoodStill, onTime],
      [false, true, true, false],
    ],
  ])('%s', (_title, laps, expected) => {
    useFakeClock('setInterval');
    const left = [...laps];
    const overload = watchOverload(200, () => left.shift() as Lap);
    onTestFinished(overload.stop);
    const double = protect((value: number) => value * 2, { overload, faults: createFaults() });
    for (const isOverloaded of expected) {
      vi.advanceTimersByTime(50);
      if (isOverloaded) expect(() => double(21)).toThrow(ServiceError);
      else expect(double(21)).toBe(42);
    }
    expect(left).toEqual([]);
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
    // Every delay counts as overload here, so the service is overloaded sooner or later.
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
    // Both transports say when to retry: in a header, and in google.rpc.RetryInfo.
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
