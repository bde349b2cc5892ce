import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { enableKeepalive } from '../../../src/net/grpc/keepalive.ts';
import { type Operation, operations } from '../../../src/operations.ts';
import { createAuthority } from '../../support/certificates.ts';
import { useFakeClock } from '../../support/fake-clock.ts';
import { begin, frame, hello, preface, types } from '../../support/http2-frames.ts';
import { RawConnections } from '../../support/raw-connections.ts';
import { patientLimits, startTestService, until, untilActive, untilRead } from '../../support/service.ts';

const keepaliveTimeMs = 60_000;
const keepaliveTimeoutMs = 20_000;

const advance = (ms: number) => vi.advanceTimersByTime(ms);

describe('keepalive', () => {
  /** A server whose clock the test moves. It answers no request by itself. */
  const start = async ({ isSecure = false, timeMs = keepaliveTimeMs } = {}) => {
    useFakeClock('setTimeout', 'clearTimeout');
    const authority = createAuthority('Test authority');
    const server = isSecure ? createSecureServer(authority.issue('greet')) : createServer();
    const streams: ServerHttp2Stream[] = [];
    server.on('stream', (stream) => streams.push(stream));
    enableKeepalive(server as Http2Server, { keepaliveTimeMs: timeMs, keepaliveTimeoutMs });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    onTestFinished(() => void server.close());
    const url = `${isSecure ? 'https' : 'http'}://localhost:${port}`;
    const session: Promise<ServerHttp2Session> = once(server, 'session').then(([opened]) => opened);
    return { url, ca: authority.cert, session, streams };
  };
  /** A client that acknowledges all frames, as any HTTP/2 library does. */
  const open = async ({ url, ca, session }: Awaited<ReturnType<typeof start>>) => {
    const client = connect(url, { ca });
    onTestFinished(() => client.destroy());
    const served = await session;
    await once(served, 'localSettings');
    // The first check only finds that the client has sent its settings since it connected.
    advance(keepaliveTimeMs);
    return { client, served };
  };
  /** Lets the server check a silent client, and waits until it has read the client's acknowledgement. */
  const expectAcknowledged = async (
    client: ClientHttp2Session,
    { socket }: ServerHttp2Session,
    event: 'ping' | 'remoteSettings',
  ) => {
    const { bytesRead } = socket;
    const received = once(client, event);
    advance(keepaliveTimeMs);
    await received;
    await until(() => socket.bytesRead > bytesRead);
    advance(keepaliveTimeoutMs);
  };

  it('pings a silent client after the time, and disconnects it after the timeout', async () => {
    const { url, session } = await start();
    const sent = Buffer.concat([preface, frame(types.settings)]);
    const socket = new RawConnections(url).open(sent);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
    });
    const served = await session;
    await until(() => served.socket.bytesRead >= sent.length);
    advance(2 * keepaliveTimeMs - 1);
    expect(hasPing(received)).toBe(false);
    advance(1);
    await until(() => hasPing(received));
    advance(keepaliveTimeoutMs - 1);
    expect(served.destroyed).toBe(false);
    const closed = once(socket, 'close');
    advance(1);
    await closed;
  });

  it.each(['clear text', 'TLS'])(
    'keeps a client that acknowledges pings and has no calls, in %s',
    async (kind) => {
      const { client, served } = await open(await start({ isSecure: kind === 'TLS' }));
      for (let count = 0; count < 5; count += 1) await expectAcknowledged(client, served, 'ping');
      expect(served.destroyed).toBe(false);
    },
  );

  it('keeps a closing connection, on which no ping can be sent, while its client acknowledges settings', async () => {
    const started = await start();
    const { client, served } = await open(started);
    const stream = client.request({ ':method': 'POST' }).setEncoding('utf8');
    await until(() => started.streams.length > 0);
    served.close();
    await once(client, 'goaway');
    advance(keepaliveTimeMs);
    for (let count = 0; count < 5; count += 1) await expectAcknowledged(client, served, 'remoteSettings');
    expect(served.destroyed).toBe(false);
    const response = once(stream, 'data');
    started.streams[0]?.respond({ ':status': 200 });
    started.streams[0]?.end('answered');
    expect(await response).toEqual(['answered']);
  });

  it('is off with a time of 0', async () => {
    const { url, session } = await start({ timeMs: 0 });
    const client = connect(url);
    const served = await session;
    // No acknowledgement could arrive while the clock moves.
    advance(keepaliveTimeMs + keepaliveTimeoutMs);
    expect(served.destroyed).toBe(false);
    client.destroy();
  });
});

/** Whether there is a PING among the frames. */
function hasPing(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3))
    if (bytes.readUInt8(at + 3) === types.ping) return true;
  return false;
}

describe('the keepalive of the service', () => {
  it('ends a drain that would wait for a client that has left after malformed frames', async () => {
    const service = await startTestService({ GRPC_KEEPALIVE_TIME_MS: '50', GRPC_KEEPALIVE_TIMEOUT_MS: '50' });
    // After a ping of four bytes, Node reads nothing more from the connection, and does not report it. The call stays incomplete.
    const goaway = frame(types.goaway, { payload: Buffer.alloc(8) });
    const malformed = frame(types.ping, { payload: Buffer.alloc(4) });
    const bytes = Buffer.concat([preface, frame(types.settings), begin(0), goaway, malformed]);
    const socket = new RawConnections(service.urls.grpc).open(bytes);
    await once(socket, 'data');
    await untilRead(service);
    socket.destroy();
    await service.drain();
    expect(service.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it.each(['a drain', 'its maximum age'])(
    'does not cut a call on a connection that is closed because of %s',
    async (reason) => {
      useFakeClock('setTimeout', 'clearTimeout');
      const maxAgeMs = keepaliveTimeoutMs / 2;
      let answer = (_greeting: { message: string }) => {};
      const answered = new Promise<{ message: string }>((resolve) => {
        answer = resolve;
      });
      const slow = operations.map((operation): Operation => ({ ...operation, call: () => answered }));
      const service = await startTestService(
        {
          GRPC_KEEPALIVE_TIME_MS: String(keepaliveTimeoutMs),
          GRPC_KEEPALIVE_TIMEOUT_MS: String(keepaliveTimeoutMs),
          GRPC_MAX_CONNECTION_AGE_MS: String(reason === 'a drain' ? 3_600_000 : maxAgeMs),
          GRPC_MAX_CONNECTION_AGE_GRACE_MS: '3600000',
        },
        patientLimits,
        { operations: slow },
      );
      const client = connect(`http://${service.urls.grpc}`);
      const call = client.request({
        ':method': 'POST',
        ':path': '/greet.GreetService/Greet',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      call.resume().end(hello);
      await untilActive(service, 'rpc_server_active_calls', 1);
      let acknowledged = 0;
      client.on('remoteSettings', () => {
        acknowledged += 1;
      });
      const goaway = once(client, 'goaway');
      let drained: Promise<void> | undefined;
      if (reason === 'a drain') drained = service.drain();
      // The library varies the age by a tenth.
      advance(reason === 'a drain' ? 1 : 1.1 * maxAgeMs);
      await goaway;
      // In small steps, so that the client has many turns of the event loop for each acknowledgement.
      await until(async () => {
        advance(keepaliveTimeoutMs / 10);
        await untilRead(service);
        return acknowledged >= 3 || call.closed;
      });
      const trailers = once(call, 'trailers');
      answer({ message: 'Hello, Alice' });
      expect((await trailers)[0]).toMatchObject({ 'grpc-status': '0' });
      client.destroy();
      let isDrained = false;
      void (drained ?? service.drain()).then(() => {
        isDrained = true;
      });
      await until(() => {
        advance(100);
        return isDrained;
      });
    },
  );
});
