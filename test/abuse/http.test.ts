import { describe, expect, it } from 'vitest';
import { expectToWithstand } from '../support/attack.ts';
import { RawConnections, repeatUntil } from '../support/raw-connections.ts';
import { untilWithin } from '../support/service-under-load.ts';

const greeting = 'GET /greet?name=Mallory HTTP/1.1\r\nHost: greet\r\n\r\n';

describe('HTTP callers who', () => {
  it('pipeline and never read the answers', () =>
    expectToWithstand(
      'pipelining clients that never read',
      async ({ http }, signal) => {
        const held = new RawConnections(http);
        // As many as each will take; whoever is cut off comes back.
        await repeatUntil(signal, 250, () => {
          while (held.openCount < 30) held.open('', { isReading: false });
          for (const socket of held.sockets)
            if (!socket.destroyed && socket.writableLength < 65_536) socket.write(greeting.repeat(1_000));
        });
        held.close();
      },
      { attackMs: 4_000 },
    ));

  it('pipeline without end, and read', () =>
    expectToWithstand('pipelining floods', async ({ http }, signal) => {
      const held = new RawConnections(http);
      await repeatUntil(signal, 20, () => {
        while (held.openCount < 20) held.open();
        for (const socket of held.sockets)
          if (!socket.destroyed && socket.writableLength < 65_536) socket.write(greeting.repeat(50));
      });
      held.close();
    }));

  it('read the documentation a few bytes at a time, or not at all', () =>
    expectToWithstand('slow readers', async ({ http }, signal) => {
      const held = new RawConnections(http);
      for (let count = 0; count < 300; count += 1) {
        held.open('GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: greet\r\n\r\n', {
          isReading: false,
        });
      }
      await repeatUntil(signal, 100, () => {
        for (const socket of held.sockets.slice(0, 100)) socket.read(10);
      });
      held.close();
    }));

  it('send slowly, half, or nothing: they are let go on time', () =>
    expectToWithstand(
      'slow senders',
      async ({ http }, signal) => {
        const held = new RawConnections(http);
        for (let count = 0; count < 300; count += 1) held.open();
        for (let count = 0; count < 300; count += 1) held.open('GET /greet?name=Mallory HTTP/1.1\r\nX-');
        for (let count = 0; count < 300; count += 1) {
          held.open('POST /greet HTTP/1.1\r\nHost: greet\r\nContent-Length: 1000\r\n\r\n');
        }
        await repeatUntil(signal, 500, () => {
          for (const socket of held.sockets.slice(300)) if (!socket.destroyed) socket.write('a');
        });
        held.close();
      },
      {
        attackMs: 3_000,
        async atLast(siege) {
          // Ten seconds for a whole request; the hundred are a few of ours, and of callers who behave.
          const connections = async () =>
            Number(
              /\d+$/.exec(
                (await siege.metrics()).find((line) =>
                  line.startsWith('nodejs_active_handles{type="Socket"}'),
                ) ?? '',
              )?.[0],
            );
          expect(await untilWithin(60_000, async () => (await connections()) < 100)).toBe(true);
        },
      },
    ));

  it('connect more often than there are connections', () =>
    expectToWithstand('connection floods', async ({ http }, signal) => {
      const held = new RawConnections(http);
      await repeatUntil(signal, 50, () => {
        while (held.openCount < 5_000) held.open();
      });
      held.close();
    }));

  it('say nothing and never hang up: they are let go on time', async () => {
    let held: RawConnections | undefined;
    await expectToWithstand('clients that stay', async ({ http }, signal) => {
      const staying = new RawConnections(http);
      held = staying;
      await repeatUntil(signal, 50, () => {
        if (staying.sockets.length < 500) staying.open('', { allowHalfOpen: true });
      });
    });
    held?.close();
  });

  it('never repeat a path, a method, a name or a header', () => {
    let count = 0;
    return expectToWithstand('100,000 different requests', async ({ http }, signal) => {
      const methods = ['GET', 'PUT', 'PURGE', 'SEARCH', 'LINK', 'M-SEARCH'];
      const next = () => {
        count += 1;
        return `${methods[count % methods.length]} /${count % 2 ? count : `greet?name=${count}&${count}=${count}`} HTTP/1.1\r\nHost: greet${count}\r\nX-${count}: ${count}\r\nX-Request-Id: ${count}\r\ntraceparent: 00-${String(count).padStart(32, '0')}-${String(count).padStart(16, '0')}-01\r\n\r\n`;
      };
      const held = new RawConnections(http);
      while (!signal.aborted || count < 100_000) {
        while (held.openCount < 10) held.open();
        for (const socket of held.sockets)
          if (!socket.destroyed && socket.writableLength === 0)
            socket.write(Array.from({ length: 10 }, next).join(''));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      held.close();
    });
  });

  it('send headers without end', () =>
    expectToWithstand('oversized headers', async ({ http }, signal) => {
      const held = new RawConnections(http);
      await repeatUntil(signal, 50, () => {
        while (held.openCount < 100) held.open('GET / HTTP/1.1\r\n');
        for (const socket of held.sockets)
          if (!socket.destroyed) socket.write(`X-A: ${'a'.repeat(60_000)}\r\n`);
      });
      held.close();
    }));
});
