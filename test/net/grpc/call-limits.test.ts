import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { limitCalls } from '../../../src/net/grpc/call-limits.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { hello as message } from '../../support/http2-frames.ts';
import { shortLimits } from '../../support/service.ts';

it('keeps nothing that grpc-js made for an ended call, even while its stream stays in memory', async () => {
  const calls: WeakRef<object>[] = [];
  const server = createServer();
  // As the library listens: until the request has arrived.
  server.on('stream', (stream) => {
    const call = { chunks: 0 };
    calls.push(new WeakRef(call));
    stream.on('data', () => {
      call.chunks += 1;
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.write(`${call.chunks}`);
      stream.end();
    });
  });
  limitCalls(server, {
    // The call that is under way may wait as long as a busy machine needs.
    limits: { ...shortLimits, stalledSweeps: Infinity },
    isTls: false,
    methods: new Set(['/greet']),
    answerRefusal: ({ code }) => {
      throw new Error(`refused: ${code}`);
    },
  });
  const kept: ServerHttp2Stream[] = [];
  server.on('stream', (stream) => kept.push(stream));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const begin = () =>
    session.request({ ':method': 'POST', ':path': '/greet', 'content-type': 'application/grpc' }).resume();

  const underWay = begin();
  for (let count = 0; count < 100; count += 1) {
    const stream = begin().end(message);
    await once(stream, 'close');
  }
  // A sweep removes the ended calls.
  const left = () => calls.filter((call) => call.deref() !== undefined).length;
  for (let tries = 0; left() > 1 && tries < 30; tries += 1) {
    await sleep(100);
    collectGarbage();
  }
  expect(left()).toBe(1);
  expect(kept).toHaveLength(101);

  const answer = once(underWay.setEncoding('utf8'), 'data');
  underWay.end(message);
  expect(await answer).toEqual(['1']);
  session.close();
  server.close();
});
