import { describe, expect, it } from 'vitest';
import { Held, repeatUntil } from '../support/hold.ts';
import { untilWithin } from '../support/siege.ts';
import { withstand } from '../support/withstand.ts';

const greeting = 'GET /greet?name=Mallory HTTP/1.1\r\nHost: greet\r\n\r\n';

describe('HTTP callers who', () => {
  it('pipeline and never read the answers', () =>
    withstand(
      'deaf pipelining callers',
      async ({ http }, signal) => {
        const held = new Held(http);
        // As many as each will take; whoever is cut off comes back.
        await repeatUntil(signal, 250, () => {
          while (held.open < 30) held.add('', { isDeaf: true });
          for (const socket of held.sockets)
            if (!socket.destroyed && socket.writableLength < 65_536) socket.write(greeting.repeat(1_000));
        });
        held.release();
      },
      { attackMs: 4_000 },
    ));

  it('pipeline without end, and read', () =>
    withstand('pipelining floods', async ({ http }, signal) => {
      const held = new Held(http);
      await repeatUntil(signal, 20, () => {
        while (held.open < 20) held.add();
        for (const socket of held.sockets)
          if (!socket.destroyed && socket.writableLength < 65_536) socket.write(greeting.repeat(50));
      });
      held.release();
    }));

  it('read the documentation a few bytes at a time, or not at all', () =>
    withstand('slow readers', async ({ http }, signal) => {
      const held = new Held(http);
      for (let count = 0; count < 300; count += 1) {
        held.add('GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: greet\r\n\r\n', { isDeaf: true });
      }
      await repeatUntil(signal, 100, () => {
        for (const socket of held.sockets.slice(0, 100)) socket.read(10);
      });
      held.release();
    }));

  it('send slowly, half, or nothing: they are let go on time', () =>
    withstand(
      'slow senders',
      async ({ http }, signal) => {
        const held = new Held(http);
        for (let count = 0; count < 300; count += 1) held.add();
        for (let count = 0; count < 300; count += 1) held.add('GET /greet?name=Mallory HTTP/1.1\r\nX-');
        for (let count = 0; count < 300; count += 1) {
          held.add('POST /greet HTTP/1.1\r\nHost: greet\r\nContent-Length: 1000\r\n\r\n');
        }
        await repeatUntil(signal, 500, () => {
          for (const socket of held.sockets.slice(300)) if (!socket.destroyed) socket.write('a');
        });
        held.release();
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
          expect(await untilWithin(10_000, async () => (await connections()) < 100)).toBe(true);
        },
      },
    ));

  it('connect more often than there are connections', () =>
    withstand('connection floods', async ({ http }, signal) => {
      const held = new Held(http);
      await repeatUntil(signal, 50, () => {
        while (held.open < 5_000) held.add();
      });
      held.release();
    }));

  it('say nothing and never hang up: they are let go on time', async () => {
    let held: Held | undefined;
    await withstand('callers who stay', async ({ http }, signal) => {
      const staying = new Held(http);
      held = staying;
      await repeatUntil(signal, 50, () => {
        if (staying.sockets.length < 500) staying.add('', { stays: true });
      });
    });
    held?.release();
  });

  it('never repeat a path, a method, a name or a header', () => {
    let count = 0;
    return withstand('100,000 different requests', async ({ http }, signal) => {
      const methods = ['GET', 'PUT', 'PURGE', 'SEARCH', 'LINK', 'M-SEARCH'];
      const next = () => {
        count += 1;
        return `${methods[count % methods.length]} /${count % 2 ? count : `greet?name=${count}&${count}=${count}`} HTTP/1.1\r\nHost: greet${count}\r\nX-${count}: ${count}\r\nX-Request-Id: ${count}\r\ntraceparent: 00-${String(count).padStart(32, '0')}-${String(count).padStart(16, '0')}-01\r\n\r\n`;
      };
      const held = new Held(http);
      while (!signal.aborted || count < 100_000) {
        while (held.open < 10) held.add();
        for (const socket of held.sockets)
          if (!socket.destroyed && socket.writableLength === 0)
            socket.write(Array.from({ length: 10 }, next).join(''));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      held.release();
    });
  });

  it('send headers without end', () =>
    withstand('header bombs', async ({ http }, signal) => {
      const held = new Held(http);
      await repeatUntil(signal, 50, () => {
        while (held.open < 100) held.add('GET / HTTP/1.1\r\n');
        for (const socket of held.sockets)
          if (!socket.destroyed) socket.write(`X-A: ${'a'.repeat(60_000)}\r\n`);
      });
      held.release();
    }));
});
