import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, flags, frame, header, preface, reset, settings, types } from '../support/http2-frames.ts';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService, until } from '../support/service.ts';
import { createTlsFolder, nameShown, shakeHands, type TlsFolder } from '../support/tls.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

type Ask = (method: string, path: string, headers?: Record<string, string>) => Promise<Answer>;

describe('HTTP over TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  let ca: string;
  beforeAll(async () => {
    folder = await createTlsFolder();
    ca = folder.authority.cert;
    service = await startTestService({ ...folder.env, CORS_ORIGINS: 'https://app.example.com' });
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  const openSession = () => connect(service.urls.http, { ca }).on('error', () => {});
  const askHttp1: Ask = (method, path, headers = {}) =>
    new Promise((resolve, reject) => {
      const asked = request(
        service.urls.http + path,
        { method, headers, ca, agent: false },
        async (response) => {
          const text = Buffer.concat(await response.toArray()).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        },
      );
      asked.on('error', reject).end();
    });
  const askOn = async (session: ClientHttp2Session, ...[method, path, headers]: Parameters<Ask>) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    const response = once(stream, 'response');
    const text = Buffer.concat(await stream.toArray()).toString();
    const [{ ':status': status, ...rest }] = await response;
    return { status, headers: rest, text };
  };
  const askHttp2: Ask = async (...asked) => {
    const session = openSession();
    try {
      return await askOn(session, ...asked);
    } finally {
      session.close();
    }
  };
  /** A connection that speaks HTTP/2 by hand, and all that is sent over it. */
  const openRaw = async (...pieces: Buffer[]) => {
    const socket = await shakeHands(service.urls.http, { ca, ALPNProtocols: ['h2'] });
    socket.resume().write(Buffer.concat([preface, frame(types.settings), ...pieces]));
    return socket;
  };

  it('chooses HTTP/2 or HTTP/1.1 as the caller does, and HTTP/1.1 for who does not', async () => {
    const choose = async (...ALPNProtocols: string[]) => {
      const socket = await shakeHands(service.urls.http, { ca, ...(ALPNProtocols[0] && { ALPNProtocols }) });
      socket.destroy();
      return socket.alpnProtocol;
    };
    expect(await choose('h2', 'http/1.1')).toBe('h2');
    expect(await choose('http/1.1')).toBe('http/1.1');
    expect(await choose()).toBe(false);
    await expect(choose('spdy/3')).rejects.toThrow('no application protocol');
    expect((await askHttp1('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
    expect((await askHttp2('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
  });

  it('refuses TLS 1.1, and takes 1.2 and 1.3', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(shakeHands(service.urls.http, { ca, ...old })).rejects.toThrow(/protocol version/);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await shakeHands(service.urls.http, { ca, minVersion: version, maxVersion: version });
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
  });

  it.each<[string, string, Record<string, string>?]>([
    ['GET', '/greet?name=Alice'],
    ['GET', '/greet?name=Alice', { accept: 'application/json' }],
    ['GET', '/greet?name=Alice', { origin: 'https://app.example.com' }],
    ['GET', '/greet?name=Alice', { accept: 'image/png' }],
    ['GET', '/greet?name=Alice', { 'x-request-id': 'mine' }],
    ['GET', '/greet?name=Alice', { expect: 'miracles' }],
    ['HEAD', '/greet?name=Alice'],
    ['HEAD', '/nope'],
    ['GET', '/greet'],
    ['GET', '/greet?name=%FF'],
    ['GET', '/readyz'],
    ['GET', '/docs/static/swagger-ui.css'],
    ['GET', '/nope'],
    ['POST', '/greet'],
    ['DELETE', '/greet'],
    ['FOO', '/greet'],
    ['OPTIONS', '/greet'],
    ['OPTIONS', '/greet', { origin: 'https://app.example.com', 'access-control-request-method': 'GET' }],
    ['GET', `/greet?name=${'a'.repeat(4_096)}`],
    ['GET', `/greet?name=${'a'.repeat(10_000)}`],
    ['GET', '/greet?name=a', { 'x-a': 'a'.repeat(9_000) }],
  ])('gives the same answer to %s %.40s %j over HTTP/2 as over HTTP/1.1', async (method, path, headers) => {
    const [one, two] = await Promise.all([
      // Node's client knows fewer methods than callers do.
      method === 'FOO' ? { ...(await askRaw(method, path)) } : askHttp1(method, path, headers),
      askHttp2(method, path, headers),
    ]);
    const shape = ({ status, headers: answered, text }: Answer) => {
      // Those of the connection alone, and a length that Safari needs where the protocol does not say that nothing follows.
      const {
        date,
        connection,
        'keep-alive': _,
        'x-request-id': id,
        'content-length': length,
        ...rest
      } = answered;
      const isOurs = id === 'mine';
      const body = text.replaceAll(String(id), '…');
      return {
        status,
        rest,
        isOurs,
        hasDate: date !== undefined,
        body,
        length: status === 204 ? 0 : Number(length),
      };
    };
    expect(shape(two)).toMatchObject({ ...shape(one), length: expect.any(Number) });
    if (two.text && two.status >= 400) expectProblem(two, { status: two.status });
    expect(two.headers.connection).toBeUndefined();
  });

  const askRaw = async (method: string, path: string): Promise<Answer> => {
    const socket = await shakeHands(service.urls.http, { ca });
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n\r\n`);
    const [head = '', text = ''] = Buffer.concat(await socket.toArray())
      .toString()
      .split('\r\n\r\n');
    const [line = '', ...lines] = head.split('\r\n');
    const headers = Object.fromEntries(lines.map((each) => each.split(': ') as [string, string]));
    return { status: Number(line.split(' ')[1]), headers, text };
  };

  it('refuses a target that is not encoded, CONNECT, and an authority that is none', async () => {
    const session = openSession();
    for (const [status, headers] of [
      [400, { ':path': '/greet?name=\u00e9' }],
      [400, { ':path': '/greet?name=a', ':authority': 'a b/c' }],
      [405, { ':method': 'CONNECT', ':authority': 'greet:443' }],
    ] as const) {
      const stream = session.request(headers);
      const settled = Promise.race([
        once(stream, 'response').then(([{ ':status': answered }]) => answered),
        once(stream, 'close').then(() => 'reset'),
      ]).catch(() => 'reset');
      stream.resume().on('error', () => {});
      // What is malformed may be refused before it becomes a request (RFC 9113, section 8.1.1).
      expect([status, 'reset']).toContain(await settled);
    }
    session.close();
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'POST'])(
    'does not wait for the body of a %s that is answered',
    async (method) => {
      const session = openSession();
      const stream = session.request({ ':method': method, ':path': '/greet?name=a' }, { endStream: false });
      stream.resume();
      await once(stream, 'response');
      await once(stream, 'close');
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      session.close();
    },
  );

  it('counts, logs and traces requests over HTTP/2 as any other, also one whose caller leaves', async () => {
    const { headers } = await askHttp2('GET', '/greet?name=Bob');
    await until(() => service.lines.some(({ requestId }) => requestId === headers['x-request-id']));
    const line = service.lines.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ method: 'GET', route: '/greet', status: 200, msg: 'request' });
    expect(line).not.toHaveProperty('aborted');
    const session = openSession();
    for (let count = 0; count < 50; count += 1)
      session.request({ ':path': '/docs/static/swagger-ui-bundle.js' }).close(constants.NGHTTP2_CANCEL);
    await askOn(session, 'GET', '/greet?name=Bob');
    session.destroy();
    await until(async () =>
      (await (await fetch(`${service.urls.admin}/metrics`)).text()).includes(
        'http_server_active_requests 0\n',
      ),
    );
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('lets go of who speaks no TLS', async () => {
    const { hostname, port } = new URL(service.urls.http);
    const socket = connectTcp(Number(port), hostname).on('error', () => {});
    socket.resume().write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n');
    await once(socket, 'close');
    expect((await askHttp1('GET', '/greet?name=Alice')).status).toBe(200);
  });

  it.concurrent('lets go of a handshake that does not go on, and of a connection without a request, after five seconds', async () => {
    const { hostname, port } = new URL(service.urls.http);
    const startedAt = performance.now();
    const shaking = connectTcp(Number(port), hostname).on('error', () => {});
    const silent = await openRaw();
    await Promise.all([once(shaking.resume(), 'close'), once(silent, 'close')]);
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(4_000);
    expect(tookMs).toBeLessThan(10_000);
  });

  it.concurrent('answers 408 to headers that stop in the middle, over HTTP/1.1', async () => {
    const socket = await shakeHands(service.urls.http, { ca });
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: gr');
    const startedAt = performance.now();
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1.1 408 /);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it.concurrent('lets go of headers that stop in the middle, over HTTP/2', async () => {
    const request = Buffer.concat([header(':method', 'GET'), header(':path', '/')]);
    const socket = await openRaw(begin(0, request, 0));
    const startedAt = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  const get = (path: string) =>
    Buffer.concat([
      header(':method', 'GET'),
      header(':scheme', 'https'),
      header(':path', path),
      header(':authority', 'greet'),
    ]);
  const whole = flags.endHeaders | flags.endStream;

  it.concurrent('gives up answers that nobody takes, after ten seconds, and lets the others of the connection go on', async () => {
    const session = connect(service.urls.http, { ca, settings: { initialWindowSize: 0 } }).on(
      'error',
      () => {},
    );
    const stuck = session.request({ ':path': '/docs/static/swagger-ui-bundle.js' });
    stuck.on('error', () => {});
    await once(stuck, 'response');
    const startedAt = performance.now();
    await once(stuck, 'close');
    expect(performance.now() - startedAt).toBeGreaterThan(8_000);
    expect(performance.now() - startedAt).toBeLessThan(14_000);
    expect(stuck.rstCode).toBe(constants.NGHTTP2_CANCEL);
    expect(session.destroyed).toBe(false);
    session.destroy();
  });

  it.concurrent.each<[string, (index: number) => Buffer]>([
    [
      'requests taken back',
      (index) => Buffer.concat([begin(index, get('/greet?name=a'), whole), reset(index)]),
    ],
    ['pings', () => frame(types.ping, { payload: Buffer.alloc(8) })],
    ['settings', () => settings(4, 65_535)],
  ])('withstands a flood of %s', async (_title, pieceOf) => {
    const socket = await openRaw();
    // Deaf: what a flood asks for waits for ever.
    socket.pause();
    socket.on('error', () => {});
    for (let batch = 0; batch < 40 && !socket.destroyed; batch += 1) {
      socket.write(Buffer.concat(Array.from({ length: 250 }, (_, index) => pieceOf(batch * 250 + index))));
      await sleep(5);
    }
    expect((await askHttp2('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
    socket.resume();
    if (!socket.destroyed) await Promise.race([once(socket, 'close'), sleep(8_000)]);
    socket.destroy();
  });

  it.concurrent('ends a connection whose requests are taken back as fast as they come', async () => {
    const socket = await openRaw();
    socket.on('error', () => {}).resume();
    const closed = once(socket, 'close');
    for (let index = 0; index < 5_000 && socket.writable; index += 100) {
      const pieces = Array.from({ length: 100 }, (_, offset) =>
        Buffer.concat([begin(index + offset, get('/greet?name=a'), whole), reset(index + offset)]),
      );
      socket.write(Buffer.concat(pieces));
      await sleep(2);
    }
    await Promise.race([closed, sleep(3_000).then(() => Promise.reject(new Error('It goes on.')))]);
  });

  it('gives up the oldest of too many answers that nobody takes, and answers the others', async () => {
    const deaf = { ca, settings: { initialWindowSize: 0 } };
    const sessions = [1, 2, 3].map(() => connect(service.urls.http, deaf).on('error', () => {}));
    let givenUp = 0;
    const closing = () => {
      givenUp += 1;
    };
    const stuck = sessions.flatMap((session) =>
      Array.from({ length: 100 }, () =>
        session
          .request({ ':path': '/greet?name=Mallory' })
          .on('error', () => {})
          .on('close', closing),
      ),
    );
    await until(() => givenUp >= 300 - 256);
    expect(givenUp).toBeLessThan(100);
    expect(stuck.at(-1)?.closed).toBe(false);
    expect((await askHttp2('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
    for (const session of sessions) session.destroy();
  });

  it('tells the operators when its certificate ends', async () => {
    const { validTo } = new X509Certificate(await readFile(folder.env.TLS_CERT_FILE));
    expect(await (await fetch(`${service.urls.admin}/metrics`)).text()).toContain(
      `greet_tls_certificate_expiry_timestamp_seconds ${Date.parse(validTo) / 1000}\n`,
    );
  });

  it('shows a new certificate to new connections, over both protocols', async () => {
    const session = openSession();
    await askOn(session, 'GET', '/greet?name=Alice');
    await folder.renew('renewed');
    await until(async () => (await nameShown(service.urls.http, ca)) === 'renewed');
    await until(async () => (await nameShown(service.urls.http, ca, 'http/1.1')) === 'renewed');
    expect((await askOn(session, 'GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
    session.close();
  });
});

describe('the drain over TLS', () => {
  it('asks callers to leave, goes on serving them, and loses nothing', async () => {
    const folder = await createTlsFolder();
    const ca = folder.authority.cert;
    const service = await startTestService({ ...folder.env, DRAIN_DELAY_MS: '800' });
    await fetch(`${service.urls.admin}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ delayMs: 150 }),
    });
    let answered = 0;
    let isOver = false;
    const failures: unknown[] = [];
    const goaways: number[] = [];
    const refusedConnections: string[] = [];
    const greet = (session: ClientHttp2Session) =>
      new Promise<void>((resolve, reject) => {
        const stream = session.request({ ':path': '/greet?name=Alice' });
        let text = '';
        stream.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        stream
          .on('error', reject)
          .on('close', () => (text === 'Hello, Alice' ? resolve() : reject(new Error(text))));
      });
    const caller = async () => {
      while (!isOver) {
        const session = connect(service.urls.http, { ca }).on('error', (error) =>
          refusedConnections.push(String(error)),
        );
        session.on('goaway', (code) => goaways.push(code));
        await Promise.race([once(session, 'connect'), once(session, 'close')]).catch(() => {});
        if (session.closed || session.destroyed) return;
        while (!session.closed && !session.destroyed)
          await greet(session).then(
            () => {
              answered += 1;
            },
            (error) => failures.push(error),
          );
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    await sleep(500);
    await service.drain();
    isOver = true;
    await Promise.all(callers);
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(8);
    expect(goaways.length).toBeGreaterThan(8);
    expect(new Set(goaways)).toEqual(new Set([constants.NGHTTP2_NO_ERROR]));
    await folder.dispose();
  });

  it('answers over HTTP/1.1 with Connection: close, and waits for what is in flight', async () => {
    const folder = await createTlsFolder();
    const service = await startTestService(folder.env);
    const socket = await shakeHands(service.urls.http, { ca: folder.authority.cert });
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n');
    await sleep(100);
    const drained = service.drain();
    await sleep(300);
    socket.write('\r\n');
    const answer = Buffer.concat(await socket.toArray()).toString();
    expect(answer).toContain('connection: close');
    expect(answer).toMatch(/Hello, Alice$/);
    await drained;
    await folder.dispose();
  });

  it('cuts what does not end: half a handshake, half a request, an answer that nobody takes', async () => {
    const folder = await createTlsFolder();
    const ca = folder.authority.cert;
    const service = await startTestService({ ...folder.env, SHUTDOWN_TIMEOUT_MS: '300' });
    const { hostname, port } = new URL(service.urls.http);
    const grpcPort = Number(new URL(`http://${service.urls.grpc}`).port);
    for (const each of [Number(port), grpcPort])
      await once(
        connectTcp(each, hostname).on('error', () => {}),
        'connect',
      );
    const half = connectTls({ port: Number(port), host: hostname, ca, servername: 'localhost' }).on(
      'error',
      () => {},
    );
    await once(half, 'secureConnect');
    half.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n');
    const session = connect(service.urls.http, { ca, settings: { initialWindowSize: 0 } }).on(
      'error',
      () => {},
    );
    const stuck = session.request({ ':path': '/greet?name=Alice' }).on('error', () => {});
    await once(stuck, 'response');
    const startedAt = performance.now();
    await service.drain();
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await folder.dispose();
  });
});
