import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { defaultLimits } from '../../src/net/limits.ts';
import { watchSockets } from '../../src/net/stalled-sockets.ts';
import { Held } from '../support/hold.ts';

/** What stands for ten seconds here, in milliseconds. */
const ten = 1_000;

/** More than the buffers between two sockets take, in bytes. */
const plenty = 64 * 1024 * 1024;

/** Both sides of a connection to a server whose sockets are watched: the caller's reads nothing unless it is told to. */
async function connect({ stays }: { stays: boolean }): Promise<{ caller: Socket; socket: Socket }> {
  const server = createServer();
  watchSockets(server, { ...defaultLimits, sweepIntervalMs: ten / 10 });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const held = new Held(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const caller = held.add('', { isDeaf: true, stays });
  const [socket] = await once(server, 'connection');
  onTestFinished(() => {
    held.release();
    server.close();
  });
  return { caller, socket: socket.resume().on('error', () => {}) };
}

/** How long until it is closed, in milliseconds; no longer than the time given. */
async function lifeOf(socket: Socket, atMostMs: number): Promise<number> {
  const startedAt = performance.now();
  await once(socket, 'close', { signal: AbortSignal.timeout(atMostMs) }).catch(() => {});
  return performance.now() - startedAt;
}

describe.concurrent('a socket is let go of', () => {
  it.each(['open', 'ended'])('when nothing is taken for ten seconds: one that is %s', async (state) => {
    const { socket } = await connect({ stays: false });
    socket.write(Buffer.alloc(plenty));
    if (state === 'ended') socket.end();
    const life = await lifeOf(socket, 4 * ten);
    expect(life).toBeGreaterThan(0.9 * ten);
    expect(life).toBeLessThan(3 * ten);
  });

  it('soon when it has ended and all is taken, and the other side does not end', async () => {
    const { caller, socket } = await connect({ stays: true });
    socket.end('that is all');
    caller.resume();
    expect(await lifeOf(socket, ten)).toBeLessThan(0.9 * ten);
  });
});

describe.concurrent('a socket is kept', () => {
  it('while something is taken, be it slowly', async () => {
    const { caller, socket } = await connect({ stays: false });
    const pieces = Readable.from(Array.from({ length: plenty / 65_536 }, () => Buffer.alloc(65_536)));
    pieces.pipe(socket).on('close', () => pieces.destroy());
    const timer = setInterval(() => caller.read(), ten / 200);
    onTestFinished(() => clearInterval(timer));
    expect(await lifeOf(socket, 1.4 * ten)).toBeGreaterThan(1.3 * ten);
    expect(socket.writableLength).toBeGreaterThan(0);
  });

  it('while there is nothing to send', async () => {
    const { socket } = await connect({ stays: false });
    expect(await lifeOf(socket, 1.4 * ten)).toBeGreaterThan(1.3 * ten);
  });
});
