import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { exchange, exchangeOn, type RawResponse } from '../support/raw-http.ts';
import { patientLimits, shortLimits, startTestService, type TestService } from '../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { createTlsClients } from '../support/tls-clients.ts';

const page = 'https://app.example.com';
const exposed = 'X-Request-Id, Retry-After';
/** Longer than all headers may be, and shorter than a record of TLS: a client sends the whole request at once. */
const long = 'a'.repeat(12_000);

/** A request as a browser sends it: Origin is one of the last headers. */
const head = (requestLine: string, ...headers: string[]) =>
  [requestLine, 'Host: greet', ...headers, '', ''].join('\r\n');

/** What the parser refuses before there is a request, each with the Origin header of its page. */
const refused: [title: string, status: number, request: (origin: string) => string][] = [
  ['a target that is too long', 414, (origin) => head(`GET /greet?name=${long} HTTP/1.1`, origin)],
  ['headers that are too long', 431, (origin) => head('GET /greet HTTP/1.1', origin, `X-A: ${long}`)],
  [
    'headers that are too long before it',
    431,
    (origin) => head('GET /greet HTTP/1.1', `X-A: ${long}`, origin),
  ],
  ['a malformed header', 400, (origin) => head('GET /greet HTTP/1.1', origin, 'X Y: b')],
  ['a name that is not encoded', 400, (origin) => head('GET /greet?name=é HTTP/1.1', origin)],
  ['an unknown method', 501, (origin) => head('FOO /greet HTTP/1.1', origin)],
  ['CONNECT', 405, (origin) => head('CONNECT greet:443 HTTP/1.1', origin)],
];

describe.each(['HTTP', 'TLS'])('a refusal of the parser over %s, for a list of origins', (transport) => {
  let folder: TlsFolder | undefined;
  let service: TestService;
  beforeAll(async () => {
    if (transport === 'TLS') folder = await createTlsFolder();
    service = await startTestService({ ...folder?.env, CORS_ORIGINS: page });
  });
  afterAll(async () => {
    await service.drain();
    await folder?.dispose();
  });

  const send = async (bytes: string): Promise<RawResponse> =>
    folder
      ? exchangeOn(await connectTls(service.urls.http, { ca: folder.authority.cert }), bytes)
      : exchange(service.urls.http, bytes);
  it.each(refused)('can be read by a page of a listed origin: %s', async (_title, status, request) => {
    const response = await send(request(`Origin: ${page}`));
    expectProblem({ ...response, text: response.body }, { status });
    expect(response.headers).toMatchObject({
      vary: 'Origin',
      'access-control-allow-origin': page,
      'access-control-expose-headers': exposed,
    });
  });

  it.each([
    'Origin: https://evil.example',
    `Origin: ${page}.evil.example`,
    'Origin: null',
    `Origin: ${page}\r\nOrigin: https://evil.example`,
    `X-Origin: ${page}`,
  ])('cannot be read by another page: %j', async (origin) => {
    for (const [, status, request] of refused) {
      const response = await send(request(origin));
      expect(response.status).toBe(status);
      expect(response.headers.vary).toBe('Origin');
      expect(response.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});

describe('a refusal of the parser', () => {
  it('cannot be read if the limit was reached before Origin arrived, unless all origins are allowed', async () => {
    for (const [origins, allowed] of [
      [page, undefined],
      ['*', '*'],
    ] as const) {
      const service = await startTestService({ CORS_ORIGINS: origins });
      const socket = connect(Number(new URL(service.urls.http).port), '127.0.0.1');
      const response = exchangeOn(socket, `GET /greet?name=${long}`);
      await once(socket, 'data');
      socket.write(` HTTP/1.1\r\nHost: greet\r\nOrigin: ${page}\r\n\r\n`);
      const { status, headers } = await response;
      expect(status).toBe(414);
      expect(headers['access-control-allow-origin']).toBe(allowed);
      expect(headers['access-control-expose-headers']).toBe(exposed);
      await service.drain();
    }
  });

  it('of a request that did not arrive in time can be read if all origins are allowed', async () => {
    const service = await startTestService(
      { CORS_ORIGINS: '*' },
      {
        ...patientLimits,
        headersTimeoutMs: shortLimits.headersTimeoutMs,
        sweepIntervalMs: shortLimits.sweepIntervalMs,
      },
    );
    const { status, headers } = await exchange(
      service.urls.http,
      `GET /greet HTTP/1.1\r\nOrigin: ${page}\r\n`,
    );
    expect(status).toBe(408);
    expect(headers['access-control-allow-origin']).toBe('*');
    await service.drain();
  });

  it('has no such headers on the admin port', async () => {
    const service = await startTestService();
    const { status, headers } = await exchange(service.urls.admin, head('FOO / HTTP/1.1', `Origin: ${page}`));
    expect(status).toBe(501);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    await service.drain();
  });

  it.each<[string, number, string, string, Record<string, string>]>([
    ['a target that is too long', 414, 'GET', `/greet?name=${'a'.repeat(10_000)}`, {}],
    ['headers that are too long', 431, 'GET', '/greet', { 'x-a': 'a'.repeat(9_000) }],
    ['an unknown method', 501, 'FOO', '/greet', {}],
  ])('has the same headers over HTTP/2: %s', async (_title, status, method, path, headers) => {
    const folder = await createTlsFolder();
    const service = await startTestService({ ...folder.env, CORS_ORIGINS: page });
    const { sendHttp2 } = createTlsClients(service.urls.http, folder.authority.cert);
    const allowed = await sendHttp2(method, path, { ...headers, origin: page });
    const other = await sendHttp2(method, path, { ...headers, origin: 'https://evil.example' });
    expectProblem(allowed, { status });
    expect(allowed.headers).toMatchObject({
      vary: 'Origin',
      'access-control-allow-origin': page,
      'access-control-expose-headers': exposed,
    });
    expect(other.status).toBe(status);
    expect(other.headers.vary).toBe('Origin');
    expect(other.headers).not.toHaveProperty('access-control-allow-origin');
    await service.drain();
    await folder.dispose();
  });
});
