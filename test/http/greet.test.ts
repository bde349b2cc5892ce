import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../cases.ts';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe('GET /greet', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  const get = (path: string) => request(service.urls.http).get(path);

  describe.each([
    ['encodeURIComponent', (name: string) => `/greet?name=${encodeURIComponent(name)}`],
    ['URLSearchParams', (name: string) => `/greet?${new URLSearchParams({ name })}`],
  ])('with a name encoded by %s', (_encoder, pathTo) => {
    it.each(cases)('answers $title', async ({ name, greeting, faults }) => {
      const response = await get(pathTo(name));
      if (greeting !== undefined) {
        expect(response.status).toBe(200);
        expect(response.text).toBe(greeting);
        expect(response.headers).toMatchObject({
          'content-type': 'text/plain; charset=utf-8',
          'content-length': String(Buffer.byteLength(greeting)),
          vary: 'Accept',
        });
      } else {
        expect(response.status).toBe(400);
        expectProblem(response, {
          detail: faults?.map((fault) => `name ${fault}`).join('; '),
          errors: faults?.map((detail) => ({ field: 'name', detail })),
        });
      }
    });
  });

  it.each([
    ['no name', '/greet', 'is required: 1 to 100 characters, not counting white space around them'],
    [
      'another parameter only',
      '/greet?nom=Alice',
      'is required: 1 to 100 characters, not counting white space around them',
    ],
    [
      'a name without a value',
      '/greet?name',
      'is required: 1 to 100 characters, not counting white space around them',
    ],
    ['a repeated name', '/greet?name=a&name=b', 'must be given once, got 2 values'],
    ['a name given three times', '/greet?name=a&name=a&name=a', 'must be given once, got 3 values'],
  ])('answers 400 for %s', async (_title, path, detail) => {
    const response = await get(path);
    expect(response.status).toBe(400);
    expectProblem(response, { errors: [{ field: 'name', detail }] });
  });

  it.each(['%E0%A4%A', '%FF', '%ED%A0%80', '%ED%A0%BD%ED%B8%80', '%C0%80', '%', '%zz', 'a%', '%u0041'])(
    'answers 400 for %s, which is not percent-encoded UTF-8',
    async (value) => {
      const response = await get(`/greet?name=${value}`);
      expect(response.status).toBe(400);
      expectProblem(response, { detail: expect.stringContaining('percent-encoded UTF-8') });
    },
  );

  it('ignores unknown parameters', async () => {
    const response = await get('/greet?utm_source=x&name=Alice&_=1');
    expect(response.text).toBe('Hello, Alice');
  });

  describe('content negotiation', () => {
    const text = 'text/plain; charset=utf-8';
    const json = 'application/json; charset=utf-8';

    it.each([
      ['*/*', text],
      ['', text],
      ['text/plain', text],
      ['text/*', text],
      ['TEXT/PLAIN', text],
      ['text/plain;charset=utf-8', text],
      ['text/plain; charset=UTF-8', text],
      ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', text],
      ['text/plain, application/json', text],
      ['application/json;q=0.5, */*', text],
      ['application/json;q=0, */*', text],
      ['application/json', json],
      ['application/*', json],
      ['application/json;charset=utf-8', json],
      ['application/json, text/plain, */*', json],
      ['application/json, text/plain;q=0.9', json],
      ['application/json, text/plain, application/json', json],
      ['text/plain, application/json,text/plain', text],
      ['text/plain;q=0.1, application/json;q=0.2', json],
      ['text/plain;q=0, */*', json],
      ['image/png, application/json;q=0.001', json],
    ])('answers Accept: %s with %s', async (accept, type) => {
      const response = await get('/greet?name=Alice').set('accept', accept);
      expect(response.status).toBe(200);
      expect(response.headers['content-type']).toBe(type);
      expect(response.text).toBe(type === text ? 'Hello, Alice' : '{"message":"Hello, Alice"}');
      expect(response.headers.vary).toBe('Accept');
    });

    it.each(['image/png', 'text/html', 'application/xml, text/css', '*/*;q=0', 'text/plain;q=0', 'nonsense'])(
      'answers 406 for Accept: %s',
      async (accept) => {
        const response = await get('/greet?name=Alice').set('accept', accept);
        expect(response.status).toBe(406);
        expectProblem(response, { detail: expect.stringContaining('application/json') });
        expect(response.headers.vary).toBe('Accept');
      },
    );

    it('answers fetch, which accepts any type, with text', async () => {
      const response = await fetch(`${service.urls.http}/greet?name=Alice`);
      expect(await response.text()).toBe('Hello, Alice');
    });

    it.each(cases.filter(({ greeting }) => greeting))(
      'answers $title in JSON',
      async ({ name, greeting }) => {
        const response = await get(`/greet?name=${encodeURIComponent(name)}`).set(
          'accept',
          'application/json',
        );
        expect(response.body).toEqual({ message: greeting });
      },
    );
  });

  it('answers HEAD with the headers of GET and no body', async () => {
    const head = await request(service.urls.http).head('/greet?name=Zo%C3%AB');
    const { headers } = await get('/greet?name=Zo%C3%AB');
    expect(head.status).toBe(200);
    expect(head.text ?? '').toBe('');
    for (const name of ['content-type', 'content-length', 'vary'])
      expect(head.headers[name]).toBe(headers[name]);
  });

  it('answers HEAD for a bad name with 400 and no body', async () => {
    const response = await request(service.urls.http).head('/greet');
    expect(response.status).toBe(400);
    expect(response.text ?? '').toBe('');
  });
});
