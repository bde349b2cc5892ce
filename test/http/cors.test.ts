import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../support/raw-http.ts';
import { startTestService, type TestService } from '../support/service.ts';

const origin = 'https://app.example.com';
const paths = [
  '/greet?name=Alice',
  '/greet',
  '/greet?name=%FF',
  '/nope',
  `/greet?name=${'a'.repeat(5_000)}`,
  '/livez',
];

describe('CORS_ORIGINS=*', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ CORS_ORIGINS: '*' });
  });
  afterAll(() => service.drain());

  it.each(paths)('lets any page read %.40s, with its request id', async (path) => {
    const { headers } = await request(service.urls.http).get(path).set('origin', origin);
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['access-control-expose-headers']).toBe('X-Request-Id, Retry-After');
    expect(headers.vary ?? '').not.toContain('Origin');
  });

  it('lets pages read 405 and 406', async () => {
    const post = await request(service.urls.http).post('/greet').set('origin', origin).send('x=1');
    const picture = await request(service.urls.http)
      .get('/greet?name=a')
      .set('origin', origin)
      .set('accept', 'image/png');
    expect(post.headers['access-control-allow-origin']).toBe('*');
    expect(picture.headers['access-control-allow-origin']).toBe('*');
  });

  it.each(['/greet', '/nope'])('answers the preflight of %s with 204 and a max age', async (path) => {
    const response = await request(service.urls.http).options(path).set({
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'x-request-id',
    });
    expect(response.status).toBe(204);
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'x-request-id',
      'access-control-max-age': '86400',
      'content-length': '0',
    });
  });
});

describe('CORS_ORIGINS with a list', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ CORS_ORIGINS: `${origin}, http://localhost:3000` });
  });
  afterAll(() => service.drain());

  it.each(paths)('lets a page of a listed origin read %.40s', async (path) => {
    const { headers } = await request(service.urls.http).get(path).set('origin', origin);
    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(headers.vary).toContain('Origin');
  });

  it.each([
    'https://evil.example.com',
    `${origin}.evil.com`,
    `${origin}:444`,
    'http://app.example.com',
    'null',
  ])('does not let a page of %s read a response, or pass a preflight', async (foreign) => {
    const response = await request(service.urls.http).get('/greet?name=Alice').set('origin', foreign);
    const preflight = await request(service.urls.http)
      .options('/greet')
      .set({ origin: foreign, 'access-control-request-method': 'GET' });
    expect(response.status).toBe(200);
    expect(response.headers['access-control-allow-origin']).toBeUndefined();
    expect(response.headers.vary).toBe('Origin, Accept');
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('the headers for other origins', () => {
  const expose = { 'access-control-expose-headers': 'X-Request-Id, Retry-After' };
  const preflight = { 'access-control-allow-methods': 'GET, HEAD', 'access-control-max-age': '86400' };
  const all = { ...expose, 'access-control-allow-origin': '*' };
  const listed = { ...expose, 'access-control-allow-origin': origin };
  const asked = { 'access-control-allow-headers': 'x-request-id, x-b' };
  const byRequest = 'Access-Control-Request-Headers';

  it.each<[string, string, string | undefined, string, Record<string, string>]>([
    ['*', 'GET', origin, '', { ...all, vary: 'Accept' }],
    ['*', 'GET', undefined, '', { ...all, vary: 'Accept' }],
    ['*', 'OPTIONS', undefined, '', { ...all, ...preflight, vary: byRequest }],
    ['*', 'OPTIONS', origin, 'x-request-id, x-b', { ...all, ...preflight, ...asked, vary: byRequest }],
    [origin, 'GET', origin, '', { ...listed, vary: 'Origin, Accept' }],
    [origin, 'GET', 'https://evil.example', '', { ...expose, vary: 'Origin, Accept' }],
    [origin, 'GET', undefined, '', { ...expose, vary: 'Origin, Accept' }],
    [
      origin,
      'OPTIONS',
      origin,
      'x-request-id, x-b',
      { ...listed, ...preflight, ...asked, vary: `Origin, ${byRequest}` },
    ],
    [origin, 'OPTIONS', 'null', '', { ...expose, ...preflight, vary: `Origin, ${byRequest}` }],
  ])(
    'are these and no more for CORS_ORIGINS=%s, %s from %s, asking for "%s"',
    async (allowed, method, from, headers, expected) => {
      const service = await startTestService({ CORS_ORIGINS: allowed });
      const lines = [
        `${method} /greet?name=A HTTP/1.1`,
        'Host: greet',
        'Connection: close',
        ...(from === undefined ? [] : [`Origin: ${from}`]),
        ...(method === 'OPTIONS' ? ['Access-Control-Request-Method: GET'] : []),
        ...(headers === '' ? [] : [`Access-Control-Request-Headers: ${headers}`]),
      ];
      const response = await exchange(service.urls.http, `${lines.join('\r\n')}\r\n\r\n`);
      const sent = Object.entries(response.headers).filter(([name]) =>
        /^(vary|access-control-.*)$/.test(name),
      );
      expect(Object.fromEntries(sent)).toEqual(expected);
      await service.drain();
    },
  );
});
