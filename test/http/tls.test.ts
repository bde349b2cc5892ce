import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import {
  patientLimits,
  scrape,
  startTestService,
  type TestService,
  until,
  untilActive,
} from '../support/service.ts';
import { connectTls, createTlsFolder, servedName, type TlsFolder } from '../support/tls.ts';
import { createTlsClients, type Response } from '../support/tls-clients.ts';

const limits = { ...patientLimits, sweepIntervalMs: 20, certificateIntervalMs: 20 };

describe('HTTP over TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  let ca: string;
  let clients: ReturnType<typeof createTlsClients>;
  beforeAll(async () => {
    folder = await createTlsFolder();
    ca = folder.authority.cert;
    service = await startTestService({ ...folder.env, CORS_ORIGINS: 'https://app.example.com' }, limits);
    clients = createTlsClients(service.urls.http, ca);
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  it('negotiates HTTP/2 or HTTP/1.1 by ALPN, and speaks HTTP/1.1 without it', async () => {
    const negotiate = async (...ALPNProtocols: string[]) => {
      const socket = await connectTls(service.urls.http, { ca, ...(ALPNProtocols[0] && { ALPNProtocols }) });
      socket.destroy();
      return socket.alpnProtocol;
    };
    expect(await negotiate('h2', 'http/1.1')).toBe('h2');
    expect(await negotiate('http/1.1')).toBe('http/1.1');
    expect(await negotiate()).toBe(false);
    await expect(negotiate('spdy/3')).rejects.toThrow('no application protocol');
    expect((await clients.sendHttp1('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
    expect((await clients.sendHttp2('GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
  });

  it('refuses TLS 1.1, and accepts 1.2 and 1.3', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(connectTls(service.urls.http, { ca, ...old })).rejects.toThrow(/protocol version/);
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await connectTls(service.urls.http, { ca, minVersion: version, maxVersion: version });
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
      // Node's HTTP/1.1 client refuses to send an unknown method.
      method === 'FOO' ? { ...(await sendRaw(method, path)) } : clients.sendHttp1(method, path, headers),
      clients.sendHttp2(method, path, headers),
    ]);
    const comparable = ({ status, headers: received, text }: Response) => {
      // These differ: headers of the connection, and the length of a 204, which Safari needs over HTTP/1.1.
      const {
        date,
        connection,
        'keep-alive': _,
        'x-request-id': id,
        'content-length': length,
        ...rest
      } = received;
      return {
        status,
        rest,
        isOwnId: id === 'mine',
        hasDate: date !== undefined,
        body: text.replaceAll(String(id), '…'),
        length: status === 204 ? 0 : Number(length),
      };
    };
    expect(comparable(two)).toMatchObject({ ...comparable(one), length: expect.any(Number) });
    if (two.text && two.status >= 400) expectProblem(two, { status: two.status });
    expect(two.headers.connection).toBeUndefined();
  });

  const sendRaw = async (method: string, path: string): Promise<Response> => {
    const socket = await connectTls(service.urls.http, { ca });
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n\r\n`);
    const [head = '', text = ''] = Buffer.concat(await socket.toArray())
      .toString()
      .split('\r\n\r\n');
    const [line = '', ...lines] = head.split('\r\n');
    const headers = Object.fromEntries(lines.map((each) => each.split(': ') as [string, string]));
    return { status: Number(line.split(' ')[1]), headers, text };
  };

  it('refuses over HTTP/2 a target that is not encoded, CONNECT, and an invalid authority', async () => {
    const session = clients.openSession();
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
      // The library may reset a malformed request before the service sees it (RFC 9113, section 8.1.1).
      expect([status, 'reset']).toContain(await settled);
    }
    session.close();
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'POST'])(
    'ends a stream when its %s is answered, without waiting for the body of the request',
    async (method) => {
      const session = clients.openSession();
      const stream = session.request({ ':method': method, ':path': '/greet?name=a' }, { endStream: false });
      stream.resume();
      await once(stream, 'response');
      await once(stream, 'close');
      expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
      session.close();
    },
  );

  it('counts and logs requests over HTTP/2 like others, and none as in progress after its client has left', async () => {
    const { headers } = await clients.sendHttp2('GET', '/greet?name=Bob');
    await until(() => service.lines.some(({ requestId }) => requestId === headers['x-request-id']));
    const line = service.lines.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ method: 'GET', route: '/greet', status: 200, msg: 'request' });
    expect(line).not.toHaveProperty('aborted');
    const session = clients.openSession();
    for (let count = 0; count < 50; count += 1)
      session.request({ ':path': '/docs/static/swagger-ui-bundle.js' }).close(constants.NGHTTP2_CANCEL);
    await clients.sendOn(session, 'GET', '/greet?name=Bob');
    session.destroy();
    await untilActive(service, 'http_server_active_requests', 0);
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('exports when its certificate expires', async () => {
    const { validTo } = new X509Certificate(await readFile(folder.env.TLS_CERT_FILE));
    expect(await scrape(service)).toContain(
      `greet_tls_certificate_expiry_timestamp_seconds ${Date.parse(validTo) / 1000}\n`,
    );
  });

  it('presents a renewed certificate to new connections over both protocols, and keeps open ones', async () => {
    const session = clients.openSession();
    await clients.sendOn(session, 'GET', '/greet?name=Alice');
    await folder.renew('renewed');
    await until(async () => (await servedName(service.urls.http, ca)) === 'renewed');
    await until(async () => (await servedName(service.urls.http, ca, 'http/1.1')) === 'renewed');
    expect((await clients.sendOn(session, 'GET', '/greet?name=Alice')).text).toBe('Hello, Alice');
    session.close();
  });
});
