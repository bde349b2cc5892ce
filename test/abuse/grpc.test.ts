import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { expectToWithstand } from '../support/attack.ts';
import {
  begin,
  callHeaders,
  data,
  flags,
  frame,
  header,
  hello,
  message,
  noWindow,
  preface,
  reset,
  settings,
  types,
} from '../support/http2-frames.ts';
import { RawConnections, repeatUntil } from '../support/raw-connections.ts';
import { untilWithin } from '../support/service-under-load.ts';

const start = Buffer.concat([preface, frame(types.settings)]);
const many = (count: number, make: (index: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));

describe('the gRPC listener withstands clients that', () => {
  it('begin calls and never complete them', () =>
    expectToWithstand('calls without a request', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      const calls = many(100, (index) => begin(index));
      await repeatUntil(signal, 20, () => {
        if (held.openCount < 300) held.open(Buffer.concat([start, calls]));
      });
      held.close();
    }));

  it('send half a message or accept no response, and ends their calls in time', () =>
    expectToWithstand('half messages, and zero windows', async ({ grpc }) => {
      const held = new RawConnections(grpc);
      const halves = many(10, (index) =>
        Buffer.concat([begin(index), data(index, hello.subarray(0, hello.length - 3))]),
      );
      const untaken = many(100, (index) =>
        Buffer.concat([begin(index), data(index, hello, flags.endStream)]),
      );
      for (let count = 0; count < 20; count += 1) held.open(Buffer.concat([start, halves]));
      for (let count = 0; count < 20; count += 1) held.open(Buffer.concat([preface, noWindow, untaken]));
      // The connections that accepted no response must be closed. The others must have got a status for each call.
      const areLetGo = () =>
        held.sockets.slice(20).every((socket) => socket.closed) &&
        held.sockets.slice(0, 20).every(({ bytesRead }) => bytesRead > 10 * 20);
      expect(await untilWithin(60_000, areLetGo)).toBe(true);
      held.close();
    }));

  it('watch the health of the service ten thousand times', () =>
    expectToWithstand('health watchers', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      const watch = callHeaders('/grpc.health.v1.Health/Watch');
      const watches = many(100, (index) =>
        Buffer.concat([begin(index, watch), data(index, message(Buffer.alloc(0)), flags.endStream)]),
      );
      await repeatUntil(signal, 20, () => {
        if (held.openCount < 100) held.open(Buffer.concat([start, watches]));
      });
      held.close();
    }));

  it('make calls without end and never read the responses', () =>
    expectToWithstand('gRPC clients that never read', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      let calls = 0;
      await repeatUntil(signal, 50, () => {
        while (held.openCount < 50) held.open(start, { isReading: false });
        calls += 2;
        for (const socket of held.sockets) {
          if (socket.destroyed || socket.writableLength > 65_536) continue;
          const from = calls - 2;
          socket.write(
            many(2, (index) =>
              Buffer.concat([begin(from + index), data(from + index, hello, flags.endStream)]),
            ),
          );
        }
      });
      held.close();
    }));

  it('reset each call as soon as it begins', () =>
    expectToWithstand('rapid resets', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      const resets = many(2_000, (index) => Buffer.concat([begin(index), reset(index)]));
      await repeatUntil(signal, 20, () => {
        if (held.openCount < 20) held.open(Buffer.concat([start, resets]));
      });
      held.close();
    }));

  it('send floods of PING, SETTINGS and WINDOW_UPDATE frames, and read nothing', () =>
    expectToWithstand('control frames', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      const floods = [
        frame(types.ping, { payload: Buffer.alloc(8) }),
        settings(4, 65_535),
        frame(types.windowUpdate, { payload: Buffer.from([0, 0, 0, 1]) }),
      ].map((flood) => Buffer.concat(Array.from({ length: 1_000 }, () => flood)));
      await repeatUntil(signal, 20, () => {
        while (held.openCount < 30) held.open(start, { isReading: false });
        for (const [index, socket] of held.sockets.entries())
          if (!socket.destroyed && socket.writableLength < 65_536)
            socket.write(floods[index % floods.length] as Buffer);
      });
      held.close();
    }));

  it('send CONTINUATION frames without end', () =>
    expectToWithstand('CONTINUATION floods', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      const more = frame(types.continuation, {
        stream: 1,
        payload: header('x-a', 'a'.repeat(10_000)),
      });
      await repeatUntil(signal, 20, () => {
        while (held.openCount < 50) held.open(Buffer.concat([start, begin(0, callHeaders(), 0)]));
        for (const socket of held.sockets)
          if (!socket.destroyed && socket.writableLength < 65_536) socket.write(more);
      });
      held.close();
    }));

  it('send headers that HPACK compresses to a hundredth of their size', () =>
    expectToWithstand('oversized headers, compressed by HPACK', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      // The first call stores a header of 3,000 bytes in the HPACK table. Each other call repeats it a hundred times, in one byte each.
      const remember = begin(
        0,
        callHeaders(undefined, header('x-a', 'a'.repeat(3_000), { isIndexed: true })),
      );
      const oversized = many(99, (index) =>
        begin(index + 1, callHeaders(undefined, Buffer.alloc(100, 0x80 + 62))),
      );
      await repeatUntil(signal, 500, () => {
        held.open(Buffer.concat([start, remember, oversized]));
      });
      held.close();
    }));

  it('send compressed messages that are a thousand times as long when decompressed', () =>
    expectToWithstand('oversized messages, compressed by gzip', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      const oversizedMessage = message(gzipSync(Buffer.alloc(3_900_000)).subarray(0, 4_090), true);
      const head = callHeaders(undefined, header('grpc-encoding', 'gzip'));
      const oversized = many(100, (index) =>
        Buffer.concat([begin(index, head), data(index, oversizedMessage, flags.endStream)]),
      );
      await repeatUntil(signal, 250, () => {
        while (held.openCount > 20) held.sockets.shift()?.destroy();
        held.open(Buffer.concat([start, oversized]));
      });
      held.close();
    }));

  it('use a new method, metadata key or service in each call', () => {
    let count = 0;
    return expectToWithstand('different calls', async ({ grpc }, signal) => {
      const held = new RawConnections(grpc);
      while (!signal.aborted || count < 20_000) {
        while (held.openCount > 10) held.sockets.shift()?.destroy();
        held.open(
          Buffer.concat([
            start,
            many(100, (index) => {
              count += 1;
              const path = [`/greet.GreetService/${count}`, '/grpc.health.v1.Health/Check', undefined][
                count % 3
              ];
              const asked = Buffer.from(String(count));
              return Buffer.concat([
                begin(index, callHeaders(path, header(`x-${count}`, String(count)))),
                data(
                  index,
                  message(Buffer.concat([Buffer.from([10, asked.length]), asked])),
                  flags.endStream,
                ),
              ]);
            }),
          ]),
        );
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      held.close();
    });
  });

  it('open more connections than the limit, and send nothing', () =>
    expectToWithstand(
      'connection floods',
      async ({ grpc }, signal) => {
        const held = new RawConnections(grpc);
        await repeatUntil(signal, 50, () => {
          while (held.openCount < 1_500) held.open();
        });
        held.close();
      },
      {
        env: { GRPC_KEEPALIVE_TIME_MS: '1000', GRPC_KEEPALIVE_TIMEOUT_MS: '1000' },
      },
    ));

  it('cause an HTTP/2 error or stay silent, and closes their connections in time', () =>
    expectToWithstand(
      'HTTP/2 errors and silent connections',
      async ({ grpc }, signal) => {
        const held = new RawConnections(grpc);
        const resets = many(2_000, (index) => Buffer.concat([begin(index), reset(index)]));
        for (let count = 0; count < 5; count += 1) held.open(Buffer.concat([start, resets]));
        for (let count = 0; count < 5; count += 1) held.open();
        expect(await untilWithin(60_000, () => held.openCount === 0)).toBe(true);
        await new Promise((resolve) =>
          signal.aborted ? resolve(0) : signal.addEventListener('abort', resolve),
        );
      },
      { env: { GRPC_KEEPALIVE_TIME_MS: '1000', GRPC_KEEPALIVE_TIMEOUT_MS: '1000' }, attackMs: 4_000 },
    ));
});
