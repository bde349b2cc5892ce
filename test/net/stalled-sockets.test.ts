import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { defaultLimits } from '../../src/net/limits.ts';
import { watchSockets } from '../../src/net/stalled-sockets.ts';
import { useFakeClock } from '../support/fake-clock.ts';
import { RawConnections } from '../support/raw-connections.ts';
import { until } from '../support/service.ts';

const { endedSweeps, stalledSweeps, sweepIntervalMs } = defaultLimits;
/** More than the buffers between two sockets hold, in bytes. */
const plenty = 64 * 1024 * 1024;

const sweep = (times: number) => vi.advanceTimersByTime(times * sweepIntervalMs);

/** Both ends of a connection to a server that watches its sockets. The client reads only when the test does it. */
async function connect({ allowHalfOpen = false } = {}): Promise<{ client: Socket; socket: Socket }> {
  useFakeClock('setInterval');
  const server = createServer();
  watchSockets(server, defaultLimits);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const connections = new RawConnections(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const client = connections.open('', { isReading: false, allowHalfOpen });
  const [socket] = await once(server, 'connection');
  onTestFinished(() => {
    connections.close();
    server.close();
  });
  return { client, socket: socket.resume().on('error', () => {}) };
}

/** Waits until the buffers on the way to the client are full. */
async function untilStalled(socket: Socket): Promise<void> {
  let sent = -1;
  await until(() => {
    const before = sent;
    sent = socket.bytesWritten - socket.writableLength;
    return sent === before;
  });
}

describe('a socket is destroyed', () => {
  it.each(['open', 'ended'])(
    'after ten sweeps in which the client reads nothing, and not before: an %s socket',
    async (state) => {
      const { socket } = await connect();
      socket.write(Buffer.alloc(plenty));
      await untilStalled(socket);
      if (state === 'ended') socket.end();
      sweep(stalledSweeps);
      expect(socket.destroyed).toBe(false);
      sweep(1);
      expect(socket.destroyed).toBe(true);
    },
  );

  it('soon after it has ended and everything is read, when the client does not close its side', async () => {
    const { client, socket } = await connect({ allowHalfOpen: true });
    socket.end('the last response');
    client.resume();
    await once(client, 'end');
    await until(() => socket.writableFinished);
    sweep(endedSweeps + 1);
    expect(socket.destroyed).toBe(false);
    sweep(1);
    expect(socket.destroyed).toBe(true);
  });
});

describe('a socket is kept', () => {
  it('while the client reads, even slowly', async () => {
    const { client, socket } = await connect();
    const pieces = Readable.from(Array.from({ length: plenty / 65_536 }, () => Buffer.alloc(65_536)));
    pieces.pipe(socket).on('close', () => pieces.destroy());
    const sent = () => socket.bytesWritten - socket.writableLength;
    for (let count = 0; count < 3; count += 1) {
      await untilStalled(socket);
      sweep(stalledSweeps);
      const before = sent();
      await until(() => {
        client.read();
        return sent() > before;
      });
    }
    expect(socket.destroyed).toBe(false);
    expect(socket.writableLength).toBeGreaterThan(0);
  });

  it('while there is nothing to send', async () => {
    const { socket } = await connect();
    sweep(3 * stalledSweeps);
    expect(socket.destroyed).toBe(false);
  });
});
