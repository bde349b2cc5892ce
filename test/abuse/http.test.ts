import { describe, expect, it } from 'vitest';
import { expectToWithstand } from '../support/attack.ts';
import { RawConnections, repeatUntil } from '../support/raw-connections.ts';
import { untilWithin } from '../support/service-under-load.ts';

const greeting = 'GET /greet?name=Mallory HTTP/1.1\r\nHost: greet\r\n\r\n';

describe('the HTTP listener withstands clients that', () => {
  it('pipeline requests and never read the responses', () =>
    expectToWithstand(
      'pipelining clients that never read',
      async ({ http }, signal) => {
        const held = new RawConnections(http);
        // Each connection is filled as far as the service reads it. A connection that the service closes is opened again.
        await repeatUntil(signal, 250, () => {
          while (held.openCount < 30) held.open('', { isReading: false });
          for (const socket of held.sockets)
            if (!socket.destroyed && socket.writableLength < 65_536) socket.write(greeting.repeat(1_000));
        });
        held.close();
      },
      { attackMs: 4_000 },
    ));

  it('pipeline requests without end, and read the responses', () =>
    expectToWithstand('pipelining floods', async ({ http }, signal) => {
      const held = new RawConnections(http);
      await repeatUntil(signal, 20, () => {
        while (held.openCount < 20) held.open();
        for (const socket of held.sockets)
          if (!socket.destroyed && socket.writableLength < 65_536) socket.write(greeting.repeat(50));
      });
      held.close();
    }));

  it('read the documentation ten bytes at a time, or not at all', () =>
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

  it('send a request slowly, half of it, or nothing, and closes their connections in time', () =>
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
          // A whole request may take ten seconds. The hundred sockets allow for this test's own connections and for well-behaved clients.
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

  it('open more connections than the limit', () =>
    expectToWithstand('connection floods', async ({ http }, signal) => {
      const held = new RawConnections(http);
      await repeatUntil(signal, 50, () => {
        while (held.openCount < 5_000) held.open();
      });
      held.close();
    }));

  it('send nothing and never close their connections', async () => {
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

  it('use a new path, name and header in each request', () => {
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
