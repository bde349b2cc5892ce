import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { grpcClientOf } from '../support/clients.ts';
import { callByHand } from '../support/grpc-call.ts';
import { exchange } from '../support/raw-http.ts';
import { startTestService, type TestService, until } from '../support/service.ts';
import { createTlsFolder } from '../support/tls.ts';

describe('the access log', () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  const start = async (env: Record<string, string> = {}): Promise<TestService> => {
    const service = await startTestService({ HOST: '127.0.0.1', ...env });
    cleanups.push(() => service.drain());
    return service;
  };
  /** Sends a greeting as it is written here, and returns its line. */
  const lineOf = async (service: TestService, headers: Record<string, string>) => {
    const id = `line-${service.lines.length}`;
    const lines = Object.entries({ host: 'greet', connection: 'close', 'x-request-id': id, ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    await exchange(service.urls.http, `GET /greet?name=Alice HTTP/1.1\r\n${head}\r\n`);
    const find = () => service.lines.find(({ requestId }) => requestId === id);
    await until(() => find() !== undefined);
    return find();
  };

  it('has the client and its user agent, if it sent one', async () => {
    const service = await start();
    expect(await lineOf(service, { 'user-agent': 'a"b\\c' })).toMatchObject({
      client: '127.0.0.1',
      userAgent: 'a"b\\c',
    });
    expect(await lineOf(service, {})).not.toHaveProperty('userAgent');
    expect(await lineOf(service, { 'user-agent': 'é'.repeat(300) })).toMatchObject({
      userAgent: expect.stringMatching(/^.{256}$/),
    });
  });

  it('has the right user agent, even for more of them than it remembers', async () => {
    const service = await start();
    const agents = Array.from({ length: 1_500 }, (_, index) => `agent-${index % 1_200}`);
    const socket = connect(Number(new URL(service.urls.http).port), '127.0.0.1').resume();
    for (const agent of agents)
      await new Promise<void>((resolve) => {
        socket.once('data', () => resolve());
        socket.write(`GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\nUser-Agent: ${agent}\r\n\r\n`);
      });
    await until(() => service.lines.filter(({ msg }) => msg === 'request').length === agents.length);
    socket.destroy();
    const logged = service.lines.filter(({ msg }) => msg === 'request').map(({ userAgent }) => userAgent);
    expect(logged).toEqual(agents);
  });

  const forwarded = '198.51.100.9, 203.0.113.7';
  it.each([
    ['the peer, where no proxy is trusted', {}, forwarded, '127.0.0.1'],
    ['what a trusted proxy says last', { TRUSTED_PROXIES: 'loopback' }, forwarded, '203.0.113.7'],
    [
      'the first that is no trusted proxy',
      { TRUSTED_PROXIES: 'loopback,203.0.113.7' },
      forwarded,
      '198.51.100.9',
    ],
    ['a /64 of IPv6', { TRUSTED_PROXIES: 'loopback' }, '2001:db8:1:2:3::4', '2001:db8:1:2::/64'],
  ])('takes for the client %s, as the rate limit does', async (_title, env, addresses, client) => {
    const service = await start(env);
    expect(await lineOf(service, { 'x-forwarded-for': addresses })).toMatchObject({ client });
    // Another client of the same proxy.
    const other = await lineOf(service, { 'x-forwarded-for': '192.0.2.1' });
    expect(other?.client).toBe('TRUSTED_PROXIES' in env ? '192.0.2.1' : '127.0.0.1');
  });

  it('has the peer of a call with its port, too', async () => {
    const service = await start({ TRUSTED_PROXIES: 'loopback' });
    const session = connectHttp2(`http://${service.urls.grpc}`);
    const empty = [Buffer.alloc(5)];
    await callByHand(session, { 'x-forwarded-for': '203.0.113.7', 'user-agent': 'by-hand' }, empty);
    const port = session.socket.localPort;
    session.destroy();
    expect(service.lines.find(({ msg }) => msg === 'call')).toMatchObject({
      client: '203.0.113.7',
      peer: `127.0.0.1:${port}`,
      userAgent: 'by-hand',
    });
  });

  it('distinguishes peers that share only their address', async () => {
    const service = await start();
    for (let count = 0; count < 2; count += 1) {
      const client = grpcClientOf(service);
      await client.greet('Alice');
      client.close();
    }
    const peers = service.lines.filter(({ msg }) => msg === 'call').map(({ peer }) => peer);
    expect(new Set(peers).size).toBe(2);
  });

  it('has the client that disconnected before the response, over HTTP/1.1 and HTTP/2', async () => {
    const folder = await createTlsFolder();
    const plain = await start();
    const secure = await start(folder.env);
    for (const { urls } of [plain, secure])
      await fetch(`${urls.admin}/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{"delayMs":60000}',
      });
    const socket = connect(Number(new URL(plain.urls.http).port), '127.0.0.1').on('error', () => {});
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n');
    const session = connectHttp2(secure.urls.http, { ca: folder.authority.cert, servername: 'localhost' });
    session.on('error', () => {});
    session.request({ ':path': '/greet?name=Alice' }).on('error', () => {});
    for (const { urls } of [plain, secure])
      await until(async () =>
        (await (await fetch(`${urls.admin}/metrics`)).text()).includes('\nhttp_server_active_requests 1\n'),
      );
    socket.destroy();
    session.destroy();
    for (const { lines } of [plain, secure]) {
      await until(() => lines.some(({ msg }) => msg === 'request'));
      expect(lines.find(({ msg }) => msg === 'request')).toMatchObject({ client: '127.0.0.1' });
    }
    await folder.dispose();
  });

  it('has the client whose request or call was refused by the parser', async () => {
    const service = await start();
    await exchange(service.urls.http, 'NOPE / HTTP/1.1\r\n\r\n');
    const session = connectHttp2(`http://${service.urls.grpc}`);
    await callByHand(session, { ':path': '/greet.GreetService/Nope', 'user-agent': 'by-hand' }, []);
    session.destroy();
    const find = (msg: string) => service.lines.find((line) => line.msg === msg);
    await until(() => find('request refused') !== undefined && find('call refused') !== undefined);
    expect(find('request refused')).toMatchObject({ client: '127.0.0.1' });
    expect(find('call refused')).toMatchObject({ client: '127.0.0.1', userAgent: 'by-hand' });
  });
});
