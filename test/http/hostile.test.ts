import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { RawConnections } from '../support/raw-connections.ts';
import { exchange, type RawResponse } from '../support/raw-http.ts';
import {
  patientLimits,
  startTestService,
  type TestService,
  until,
  untilActive,
  untilRead,
} from '../support/service.ts';

const get = (target: string, ...headers: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: greet', 'Connection: close', ...headers, '', ''].join('\r\n');

describe('the HTTP listener', () => {
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
  /** The next client is greeted, whatever was sent before. */
  const expectGreeting = async () => expect((await send(get('/greet?name=Alice'))).body).toBe('Hello, Alice');

  it('greets a client that sends no Accept header', async () => {
    const response = await send(get('/greet?name=Alice'));
    expect(response).toMatchObject({ status: 200, body: 'Hello, Alice' });
    expect(response.headers.connection).toBe('close');
  });

  it('greets over HTTP/1.0 without a Host, and with a target in absolute form', async () => {
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
    ['an invalid Host', 400, 'GET / HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n'],
    ['an unknown expectation', 417, get('/greet?name=a', 'Expect: miracles')],
    ['an unknown method', 501, 'FOO /greet HTTP/1.1\r\nHost: greet\r\n\r\n'],
    ['a method in lower case', 501, 'get /greet HTTP/1.1\r\nHost: greet\r\n\r\n'],
    ['CONNECT', 405, 'CONNECT greet:443 HTTP/1.1\r\nHost: greet:443\r\n\r\n'],
    ['TRACE', 405, 'TRACE /greet HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n\r\n'],
    [
      'a method that Node knows and the service does not',
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
    ['a URL with nothing after its scheme', 400, get('http://')],
    ['a URL with an invalid host', 400, get('http://[bad/greet')],
    ['a TLS handshake', 400, Buffer.from('16030100a5010000a10303', 'hex')],
    ['an asterisk as the target of a GET', 400, get('*')],
    ['an asterisk with more text after it', 400, get('*').replace('GET *', 'OPTIONS *x')],
    ['an asterisk in a path', 404, get('/a*b')],
    ['an asterisk in the folder of the docs', 404, get('/docs/static/*')],
    ['a path that looks like a route parameter', 404, get('/:name')],
    ['a foreign scheme', 400, get('ftp://greet/greet?name=a')],
    ['an unknown transfer coding', 501, get('/greet?name=a', 'Transfer-Encoding: foo')],
    ['random bytes', 400, Buffer.from('\u0000\u0001\u0002 nothing like HTTP\r\n\r\n')],
    [
      'a malformed chunk after the response was sent',
      405,
      `POST /greet HTTP/1.1\r\nHost: greet\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
    ['a target that is too long', 414, get(`/greet?name=${'a'.repeat(4_096)}`)],
    ['a target that is longer than all headers may be', 414, get(`/greet?name=${'a'.repeat(20_000)}`)],
    ['one header that is too long', 431, get('/greet?name=a', `X-A: ${'a'.repeat(9_000)}`)],
    [
      'too many headers',
      431,
      get('/greet?name=a', ...Array.from({ length: 1_000 }, (_, index) => `X-${index}: aaaaaa`)),
    ],
  ])('refuses %s with %i', async (_title, status, bytes) => {
    const response = await send(bytes);
    expectRefusal(response, status);
    await expectGreeting();
  });

  it('refuses a malformed HEAD without a body, also after another request', async () => {
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

  it('answers pipelined requests in order', async () => {
    const first = get('/greet?name=A').replace('Connection: close\r\n', '');
    const { body } = await send(first + first.replace('=A', '=B') + get('/greet?name=C'));
    expect(body.match(/Hello, ./g)).toEqual(['Hello, A', 'Hello, B', 'Hello, C']);
  });

  it('logs a refusal of the parser under the request id of the response', async () => {
    const { headers } = await send('FOO / HTTP/1.1\r\nHost: greet\r\n\r\n');
    await until(() => service.lines.some(({ requestId }) => requestId === headers['x-request-id']));
    const line = service.lines.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ level: 'info', status: 501, route: 'unmatched', msg: 'request refused' });
  });
});

describe('a client that stops in the middle of a request', () => {
  const start = (limits: Partial<typeof patientLimits>) =>
    startTestService({}, { ...patientLimits, sweepIntervalMs: 20, ...limits });
  const incompleteBody = 'POST /greet HTTP/1.1\r\nHost: greet\r\nContent-Length: 10\r\n\r\nabc';

  it('is answered 408 when it does not complete its headers in time, or sends nothing', async () => {
    const { urls, drain } = await start({ headersTimeoutMs: 100 });
    const connections = new RawConnections(urls.http);
    const withBody = connections.open(incompleteBody);
    await once(withBody, 'data');
    for (const bytes of ['GET /greet?name=a HTTP/1.1\r\nHost: gr', '']) {
      const response = await exchange(urls.http, bytes);
      expect(response.status).toBe(408);
      expectProblem({ ...response, text: response.body }, { status: 408 });
    }
    // Its headers are complete, so this limit is not for it.
    expect(connections.openCount).toBe(1);
    connections.close();
    await drain();
  });

  it('is disconnected when it does not complete its body in time', async () => {
    const { urls, drain } = await start({ headersTimeoutMs: 100, requestTimeoutMs: 100 });
    const response = await exchange(urls.http, incompleteBody);
    expect(response.status).toBe(405);
    expectProblem({ ...response, text: response.body }, { status: 405 });
    await drain();
  });

  it('is not disconnected before the limits', async () => {
    const { urls, drain } = await start({});
    const { port } = new URL(urls.http);
    const socket = connect(Number(port), 'localhost');
    for (const piece of get('/greet?name=Alice').match(/.{1,20}/gs) ?? []) {
      socket.write(piece);
      await untilRead({ urls });
    }
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/Hello, Alice$/);
    await drain();
  });
});

describe('a client that leaves', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  const expectNoError = () =>
    expect(service.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  const expectGreeting = async () =>
    expect((await exchange(service.urls.http, get('/greet?name=Alice'))).body).toBe('Hello, Alice');
  const open = (url = service.urls.http) => {
    const connections = new RawConnections(url);
    onTestFinished(() => connections.close());
    return connections;
  };

  const connectRequest = 'CONNECT greet:443 HTTP/1.1\r\nHost: greet:443\r\n\r\n';

  it('does not end the service by resetting its connection', async () => {
    const connections = open();
    for (let count = 0; count < 50; count += 1) connections.open(get('/greet?name=Alice')).resetAndDestroy();
    await expectGreeting();
    expectNoError();
  });

  it('does not end the service by resetting a CONNECT', async () => {
    const connections = open();
    for (let turns = 0; turns < 30; turns += 1) {
      const socket = connections.open(connectRequest);
      await once(socket, 'connect');
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      socket.resetAndDestroy();
    }
    await expectGreeting();
    expectNoError();
  });

  it('is disconnected at once after a CONNECT, even if it keeps its side open and goes on sending', async () => {
    const { urls, drain } = await startTestService({}, { ...patientLimits, sweepIntervalMs: 3_600_000 });
    const socket = open(urls.http).open(connectRequest, { allowHalfOpen: true });
    await until(() => {
      if (!socket.destroyed) socket.write('more');
      return socket.closed;
    });
    await drain();
  });

  it.each(['end', 'resetAndDestroy'] as const)(
    'causes no error in the log by an incomplete body: %s',
    async (leave) => {
      const socket = open(service.urls.admin).open(
        'PUT /faults HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
      );
      await once(socket, 'connect');
      await untilRead(service);
      socket[leave]();
      await once(socket, 'close');
      await untilRead(service);
      expectNoError();
    },
  );

  const greeting = get('/greet?name=Alice').replace('Connection: close\r\n', '');
  const large = get('/docs/static/swagger-ui-bundle.js').replace('Connection: close\r\n', '');
  const refused =
    'PUT /greet HTTP/1.1\r\nHost: greet\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n';

  it.each([
    ['a greeting', greeting],
    ['a large file', large],
    ['a large file and a refused expectation', large + get('/livez', 'Expect: miracles')],
    ['a refused body and a greeting', refused + greeting],
  ])('no longer counts as a request in progress: %s', async (_title, requests) => {
    const connections = open();
    const leaveAfter = async (turns: number, isReading: boolean) => {
      const socket = connections.open(requests.repeat(1 + (turns % 5)), { isReading });
      await once(socket, 'connect');
      for (let turn = 0; turn < turns; turn += 1) await setImmediate();
      socket.resetAndDestroy();
    };
    // The service runs in this event loop: with each turn it has done a little more of its work.
    for (let turns = 0; turns < 30; turns += 1) await leaveAfter(turns, true);
    for (let turns = 0; turns < 60; turns += 10) await leaveAfter(turns, false);
    await untilActive(service, 'http_server_active_requests', 0);
    expectNoError();
  });
});

describe('unusual requests, each of them traced,', () => {
  let service: TestService;
  beforeAll(async () => {
    // There is no collector: that must not matter to a request.
    service = await startTestService({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  });
  afterAll(() => service.drain());

  it.each<[number, string]>([
    [400, 'GET /greet?name=a HTTP/1.1\r\n'],
    [200, 'GET /greet?name=a HTTP/1.0\r\n'],
    [400, 'GET /greet?name=a HTTP/1.1\r\nHost: a b/c\r\n'],
    [400, 'GET /greet?name=a HTTP/1.1\r\nHost: [::1\r\n'],
    [400, 'GET /greet?name=a HTTP/1.1\r\nHost: :::\r\n'],
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
