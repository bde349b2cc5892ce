import { once } from 'node:events';
import { type ClientHttp2Stream, constants } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultLimits } from '../../../src/net/limits.ts';
import { useFakeClock } from '../../support/fake-clock.ts';
import { begin, flags, header, reset } from '../../support/http2-frames.ts';
import { startTestService, type TestService, until, untilRead } from '../../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../../support/tls.ts';
import { createTlsClients } from '../../support/tls-clients.ts';

const { firstRequestTimeoutMs, maxResets, maxStalledResponses, resetsPerInstantCancel, stalledSweeps } =
  defaultLimits;

describe('HTTP/2 streams', () => {
  let folder: TlsFolder;
  let service: TestService;
  let clients: ReturnType<typeof createTlsClients>;
  beforeAll(async () => {
    folder = await createTlsFolder();
  });
  beforeEach(async () => {
    // The service sweeps when the test says so.
    useFakeClock('setInterval', 'performance');
    service = await startTestService(folder.env, defaultLimits);
    clients = createTlsClients(service.urls.http, folder.authority.cert);
  });
  afterEach(() => service.drain());
  afterAll(() => folder.dispose());

  const sweep = async (times: number) => {
    vi.advanceTimersByTime(times * defaultLimits.sweepIntervalMs);
    await untilRead(service);
  };
  const expectGreeting = async () =>
    expect((await clients.sendHttp2('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');

  const requestHeaders = Buffer.concat([
    header(':method', 'GET'),
    header(':scheme', 'https'),
    header(':path', '/greet?name=a'),
    header(':authority', 'greet'),
  ]);

  it.each([
    ['without a request', Buffer.alloc(0), 1],
    // No GOAWAY can be sent in the middle of headers: the client is disconnected two sweeps later.
    ['with incomplete headers', begin(0, requestHeaders, 0), 3],
  ])(
    'a connection %s is closed after the limit for the first request, and not before',
    async (_title, bytes, sweeps) => {
      const socket = await clients.openRaw(bytes);
      await untilRead(service);
      await sweep(firstRequestTimeoutMs / defaultLimits.sweepIntervalMs);
      expect(socket.closed).toBe(false);
      const closed = once(socket, 'close');
      for (let count = 0; count < sweeps; count += 1) await sweep(1);
      await closed;
    },
  );

  it('a stream whose response is not read is cancelled after ten sweeps, and not before; others of its connection go on', async () => {
    const session = clients.openSession({ settings: { initialWindowSize: 0 } });
    const stalled = session.request({ ':path': '/greet?name=Alice' }).on('error', () => {});
    await once(stalled, 'response');
    await sweep(stalledSweeps - 1);
    expect(stalled.closed).toBe(false);
    const closed = once(stalled, 'close');
    await sweep(1);
    await closed;
    expect(stalled.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect((await clients.sendOn(session, 'HEAD', '/greet?name=Alice')).status).toBe(200);
    expect(session.destroyed).toBe(false);
    session.destroy();
  });

  it('the oldest of too many unread responses are cancelled, and other clients are answered', async () => {
    const options = { settings: { initialWindowSize: 0 } };
    const sessions = [1, 2, 3].map(() => clients.openSession(options));
    let cancelled = 0;
    const streams = sessions.flatMap((session) =>
      Array.from(
        { length: 100 },
        (): ClientHttp2Stream =>
          session
            .request({ ':path': '/greet?name=Mallory' })
            .on('error', () => {})
            .on('close', () => {
              cancelled += 1;
            }),
      ),
    );
    await until(() => cancelled >= 300 - maxStalledResponses);
    expect(cancelled).toBeLessThan(100);
    expect(streams.at(-1)?.closed).toBe(false);
    await expectGreeting();
    for (const session of sessions) session.destroy();
  });

  /** As many requests, each cancelled as soon as it is sent, in one packet. */
  const cancelledRequests = (from: number, count: number) =>
    Buffer.concat(
      Array.from({ length: count }, (_, index) =>
        Buffer.concat([
          begin(from + index, requestHeaders, flags.endHeaders | flags.endStream),
          reset(from + index),
        ]),
      ),
    );

  it('a connection is closed when its client cancels too many requests between two sweeps', async () => {
    const socket = await clients.openRaw(cancelledRequests(0, maxResets + 1));
    await once(socket, 'close');
    await expectGreeting();
  });

  it('a connection is kept when its client cancels as many requests over several sweeps', async () => {
    const socket = await clients.openRaw();
    // Few enough even if each counts as cancelled in the tick in which it arrived.
    const each = maxResets / resetsPerInstantCancel;
    for (let sent = 0; sent <= maxResets; sent += each) {
      socket.write(cancelledRequests(sent, each));
      await untilRead(service);
      await sweep(1);
    }
    expect(socket.closed).toBe(false);
    socket.destroy();
  });
});
