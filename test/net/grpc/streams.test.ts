import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { answerCallRefusal } from '../../../src/grpc/status.ts';
import { limitCalls } from '../../../src/net/grpc/streams.ts';
import { defaultLimits } from '../../../src/net/limits.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { useFakeClock } from '../../support/fake-clock.ts';
import { until } from '../../support/service.ts';

it('releases the objects of a call that has ended, even if V8 keeps its stream', async () => {
  useFakeClock('setInterval');
  const kept: ServerHttp2Stream[] = [];
  const calls: WeakRef<object>[] = [];
  const server = createServer();
  // Listens like grpc-js: until the request has arrived.
  server.on('stream', (stream) => {
    const call = { chunks: 0 };
    kept.push(stream);
    calls.push(new WeakRef(call));
    stream.on('data', () => {
      call.chunks += 1;
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.end(`${call.chunks}`);
    });
  });
  limitCalls(server, { limits: defaultLimits, isTls: false, answerRefusal: answerCallRefusal });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const begin = () => session.request({ ':method': 'POST' }).resume();

  const inProgress = begin();
  for (let count = 0; count < 100; count += 1) {
    const stream = begin().end('a request');
    await once(stream, 'close');
  }
  const left = () => calls.filter((call) => call.deref() !== undefined).length;
  await until(() => {
    // A sweep removes the ended calls.
    vi.advanceTimersByTime(defaultLimits.sweepIntervalMs);
    collectGarbage();
    return left() <= 1;
  });
  expect(left()).toBe(1);
  expect(kept).toHaveLength(101);

  const answer = once(inProgress.setEncoding('utf8'), 'data');
  inProgress.end('a request');
  expect(await answer).toEqual(['1']);
  session.close();
  server.close();
});
