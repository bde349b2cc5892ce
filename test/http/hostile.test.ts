import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { exchange, type RawResponse } from '../support/raw.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

const get = (target: string, ...headers: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: greet', 'Connection: close', ...headers, '', ''].join('\r\n');

describe('hostile HTTP, byte by byte', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  const send = (...pieces: (string | Buffer)[]) => exchange(service.urls.http, ...pieces);
  const expectRefusal = (response: RawResponse, status: number) => {
    expect(response.status).toBe(status);
    expectProblem({ ...response, text: response.body }, { status });
  };
  /** Whatever was sent before, the next caller is greeted. */
  const expectGreeting = async () => expect((await send(get('/greet?name=Alice'))).body).toBe('Hello, Alice');

  it('greets without an Accept header', async () => {
    const response = await send(get('/greet?name=Alice'));
    expect(response).toMatchObject({ status: 200, body: 'Hello, Alice' });
    expect(response.headers.connection).toBe('close');
  });

  it('greets HTTP/1.0 without a Host, and a target in absolute form', async () => {
    expect(await send('GET /greet?name=Alice HTTP/1.0\r\n\r\n')).toMatchObject({
      status: 200,
      body: 'Hello, Alice',
    });
    expect(await send(get('http://greet/greet?name=Alice'))).toMatchObject({
      status: 200,
      body: 'Hello, Alice',
    });
  });

  it.each<[string, number, string | Buffer]>([
    ['a name with raw UTF-8', 400, get('/greet?name=é')],
    ['a raw NUL in the target', 400, get('/greet?name=\u0000')],
    ['a path that is not percent-encoded UTF-8', 400, get('/%E0%A4%A')],
    ['an unknown path', 404, get('/nope')],
    ['an unknown path in absolute form', 404, get('http://greet/nope')],
    ['no Host', 400, 'GET /greet?name=a HTTP/1.1\r\nConnection: close\r\n\r\n'],
    ['two Hosts', 400, get('/greet?name=a', 'Host: other')],
    ['two equal Hosts', 400, get('/greet?name=a', 'Host: greet')],
    ['a Host that is none', 400, 'GET / HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n'],
    ['an expectation that nobody knows', 417, get('/greet?name=a', 'Expect: miracles')],
    ['a method that nobody knows', 501, 'FOO /greet HTTP/1.1\r\nHost: greet\r\n\r\n'],
    ['a method in lower case', 501, 'get /greet HTTP/1.1\r\nHost: greet\r\n\r\n'],
    ['CONNECT', 405, 'CONNECT greet:443 HTTP/1.1\r\nHost: greet:443\r\n\r\n'],
    ['TRACE', 405, 'TRACE /greet HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n\r\n'],
    [
      'a method that only Node knows',
      405,
      'PURGE /greet HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n\r\n',
    ],
    [
      'both Content-Length and Transfer-Encoding',
      400,
      get('/greet', 'Content-Length: 3', 'Transfer-Encoding: chunked'),
    ],
    ['two Content-Lengths', 400, get('/greet', 'Content-Length: 3', 'Content-Length: 4')],
    ['a negative Content-Length', 400, get('/greet', 'Content-Length: -1')],
    ['bare line feeds', 400, 'GET /greet HTTP/1.1\nHost: greet\n\n'],
    ['a folded header', 400, get('/greet', 'X-A: b\r\n c')],
    ['a space before the colon', 400, get('/greet', 'X-A : b')],
    ['an HTTP/2 preface', 400, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an HTTP/2 preface without a version', 400, 'PRI *$HTTP/2.0\r\n\r\n'],
    ['a URL without a host', 400, get('http:///greet?name=a')],
    ['a URL with nothing behind its scheme', 400, get('http://')],
    ['a URL whose host is none', 400, get('http://[bad/greet')],
    ['a TLS greeting', 400, Buffer.from('16030100a5010000a10303', 'hex')],
    ['an asterisk that is not for the server', 400, get('*')],
    ['an asterisk with something behind it', 400, get('*').replace('GET *', 'OPTIONS *x')],
    ['an asterisk in a path', 404, get('/a*b')],
    ['an asterisk where the files of the docs are', 404, get('/docs/static/*')],
    ['a parameter for a path', 404, get('/:name')],
    ['another scheme', 400, get('ftp://greet/greet?name=a')],
    ['a transfer coding that nobody knows', 501, get('/greet?name=a', 'Transfer-Encoding: foo')],
    ['noise', 400, Buffer.from('\u0000\u0001\u0002 nothing like HTTP\r\n\r\n')],
    [
      'a bad chunk, after the request was answered',
      405,
      `POST /greet HTTP/1.1\r\nHost: greet\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
    ['a target over its limit', 414, get(`/greet?name=${'a'.repeat(4_096)}`)],
    ['a target over every limit', 414, get(`/greet?name=${'a'.repeat(20_000)}`)],
    ['one long header', 431, get('/greet?name=a', `X-A: ${'a'.repeat(9_000)}`)],
    [
      'many headers',
      431,
      get('/greet?name=a', ...Array.from({ length: 1_000 }, (_, index) => `X-${index}: aaaaaa`)),
    ],
  ])('refuses %s with %i', async (_title, status, bytes) => {
    const response = await send(bytes);
    expectRefusal(response, status);
    await expectGreeting();
  });

  it('tells HEAD only the head of what is wrong, also after other requests', async () => {
    const bad = 'HEAD /greet HTTP/1.1\r\nHost: greet\r\nX Y: b\r\n\r\n';
    const { status, headers, body } = await send(bad);
    expect(status).toBe(400);
    expect(Number(headers['content-length'])).toBeGreaterThan(0);
    expect(body).toBe('');
    const first = get('/greet?name=A').replace('Connection: close\r\n', '');
    const { body: both } = await send(first, bad);
    expect(both).toMatch(/^Hello, A(HTTP\/1.1 400 |$)/);
    expect(both).not.toContain('{');
  });

  it('suggests how to encode a raw name', async () => {
    expect((await send(get('/greet?name=é'))).body).toContain("curl -G --data-urlencode 'name=…'");
  });

  it.concurrent('answers 408 to headers that stop in the middle, after about five seconds', async () => {
    const [slow, silent] = await Promise.all([send('GET /greet?name=a HTTP/1.1\r\nHost: gr'), send()]);
    expectRefusal(slow, 408);
    expect(slow.tookMs).toBeGreaterThan(4_000);
    expect(slow.tookMs).toBeLessThan(8_000);
    // Who says nothing at all is told the same, and let go of.
    expectRefusal(silent, 408);
    expect(silent.tookMs).toBeLessThan(8_000);
  });

  it.concurrent('lets go of a body that never comes, after about ten seconds', async () => {
    const response = await send('POST /greet HTTP/1.1\r\nHost: greet\r\nContent-Length: 10\r\n\r\nabc');
    expectRefusal(response, 405);
    expect(response.tookMs).toBeLessThan(13_000);
  });

  it('answers what comes pipelined, in order', async () => {
    const first = get('/greet?name=A').replace('Connection: close\r\n', '');
    const { body } = await send(first + first.replace('=A', '=B') + get('/greet?name=C'));
    expect(body.match(/Hello, ./g)).toEqual(['Hello, A', 'Hello, B', 'Hello, C']);
  });

  it('lives through CONNECTs that are reset, and lets go of one whose caller stays', async () => {
    const { port } = new URL(service.urls.http);
    const ask = 'CONNECT greet:443 HTTP/1.1\r\nHost: greet:443\r\n\r\n';
    for (let count = 0; count < 50; count += 1) {
      const socket = connect(Number(port), 'localhost').on('error', () => {});
      socket.write(ask);
      await new Promise((resolve) => setTimeout(resolve, count % 3));
      socket.resetAndDestroy();
    }
    const stays = connect({ port: Number(port), host: 'localhost', allowHalfOpen: true });
    stays
      .on('error', () => {})
      .resume()
      .write(ask);
    const talking = setInterval(() => stays.write('more'), 20);
    await new Promise((resolve) => stays.once('close', resolve));
    clearInterval(talking);
    await expectGreeting();
  }, 4_000);

  it('does not log as an error of its own a body that its caller broke off', async () => {
    const { port } = new URL(service.urls.admin);
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const socket = connect(Number(port), 'localhost').on('error', () => {});
      socket.write(
        'PUT /faults HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket[end]();
      await new Promise((resolve) => socket.resume().once('close', resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('shrugs at callers who leave in the middle', async () => {
    const { port } = new URL(service.urls.http);
    for (let count = 0; count < 50; count += 1) {
      const socket = connect(Number(port), 'localhost').on('error', () => {});
      socket.write(get('/greet?name=Alice'));
      socket.resetAndDestroy();
    }
    await expectGreeting();
    expect(service.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  it('counts nobody as under way who has left, wherever their answers were by then', async () => {
    const { port } = new URL(service.urls.http);
    const greeting = get('/greet?name=Alice').replace('Connection: close\r\n', '');
    const large = get('/docs/static/swagger-ui-bundle.js').replace('Connection: close\r\n', '');
    const refused =
      'PUT /greet HTTP/1.1\r\nHost: greet\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n';
    const kinds = [greeting, large, large + get('/livez', 'Expect: miracles'), refused + greeting];
    for (let count = 0; count < 200; count += 1) {
      const socket = connect(Number(port), 'localhost').on('error', () => {});
      socket.write((kinds[count % 4] as string).repeat(1 + (count % 5)));
      await new Promise((resolve) => setTimeout(resolve, count % 6));
      socket.resetAndDestroy();
    }
    await until(async () =>
      (await (await fetch(`${service.urls.admin}/metrics`)).text()).includes(
        'http_server_active_requests 0\n',
      ),
    );
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  }, 6_000);

  it('logs a refusal of the parser under the id it answered with', async () => {
    const { headers } = await send('FOO / HTTP/1.1\r\nHost: greet\r\n\r\n');
    await until(() => service.lines.some(({ requestId }) => requestId === headers['x-request-id']));
    const line = service.lines.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ level: 'info', status: 501, route: 'unmatched', msg: 'request refused' });
  });
});

describe('odd requests when every one of them is traced', () => {
  let service: TestService;
  beforeAll(async () => {
    // Nobody takes the spans: that is no concern of a request.
    service = await startTestService({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  });
  afterAll(() => service.drain());

  it.each<[number, string]>([
    [400, 'GET /greet?name=a HTTP/1.1\r\n'],
    [200, 'GET /greet?name=a HTTP/1.0\r\n'],
    [400, 'GET /greet?name=a HTTP/1.1\r\nHost: a b/c\r\n'],
    [200, 'GET /greet?name=a HTTP/1.1\r\nHost: [::1\r\n'],
    [200, 'GET /greet?name=a HTTP/1.1\r\nHost: :::\r\n'],
    [200, 'GET /greet?name=a HTTP/1.1\r\nHost:\r\n'],
    [200, 'GET /greet?name=a HTTP/1.1\r\nHost: a\r\ntraceparent: x\r\ntraceparent: y\r\n'],
    [
      200,
      `GET /greet?name=a HTTP/1.1\r\nHost: a\r\ntraceparent: 00-${'a'.repeat(32)}-${'b'.repeat(16)}-01\r\ntracestate: ,=,;=\r\n`,
    ],
    [200, 'GET /greet?name=a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: <script>\r\n'],
    [204, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n'],
    [400, 'GET greet HTTP/1.1\r\nHost: a\r\n'],
    [400, 'GET http://[bad/greet HTTP/1.1\r\nHost: a\r\n'],
    [404, 'GET //greet?name=a HTTP/1.1\r\nHost: a\r\n'],
    [404, 'GET /docs/static/..%2f..%2fpackage.json HTTP/1.1\r\nHost: a\r\n'],
    [404, 'GET /docs/static/../../../package.json HTTP/1.1\r\nHost: a\r\n'],
    [405, 'QUERY /greet HTTP/1.1\r\nHost: a\r\n'],
  ])('are answered %i: %s', async (status, head) => {
    const response = await exchange(service.urls.http, `${head}Connection: close\r\n\r\n`);
    expect(response.status).toBe(status);
    expect((await exchange(service.urls.http, get('/greet?name=Alice'))).body).toBe('Hello, Alice');
    expect(service.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });
});
