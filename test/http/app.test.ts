import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/http/app.ts';
import { expectProblem } from '../support/problem.ts';
import {
  createTestTelemetry,
  type LogLine,
  startTestService,
  type TestService,
  until,
} from '../support/service.ts';

describe('the public listener', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  const logged = async (requestId: string | undefined): Promise<LogLine | undefined> => {
    await until(() => service.lines.some((line) => line.requestId === requestId));
    return service.lines.find((line) => line.requestId === requestId);
  };

  it.each(['/nope', '/metrics', '/faults', '/greet/', '/Greet', '/greet/Alice', '/docs/static/nope.js'])(
    'answers 404 for %s',
    async (path) => {
      const response = await request(service.urls.http).get(path);
      expect(response.status).toBe(404);
      expectProblem(response, { detail: expect.any(String) });
    },
  );

  it.each(['post', 'put', 'patch', 'delete'] as const)(
    'answers 405 with Allow for %s /greet, whatever its body',
    async (method) => {
      const response = await request(service.urls.http)
        [method]('/greet')
        .set('content-type', 'a/b')
        .send('x'.repeat(5_000));
      expect(response.status).toBe(405);
      expectProblem(response, { detail: expect.stringContaining('GET, HEAD, OPTIONS') });
      expect(response.headers.allow).toBe('GET, HEAD, OPTIONS');
    },
  );

  it('answers OPTIONS with the allowed methods, and 404 for an unknown path', async () => {
    const known = await request(service.urls.http).options('/greet');
    expect(known.status).toBe(204);
    expect(known.headers.allow).toBe('GET, HEAD, OPTIONS');
    expect((await request(service.urls.http).options('/nope')).status).toBe(404);
  });

  it.each(['/', '/docs'])('redirects %s to the documentation, relatively', async (path) => {
    const response = await request(service.urls.http).get(path);
    expect(response.status).toBe(302);
    expect(response.headers.location).toBe('docs/');
  });

  describe('X-Request-Id', () => {
    it.each(['abc', '0af7651916cd43dd8448eb211c80319c', 'a.b:c+d/e=f-g_h', 'x'.repeat(128)])(
      'is taken over from the request: %.40s',
      async (id) => {
        const response = await request(service.urls.http).get('/greet?name=a').set('x-request-id', id);
        expect(response.headers['x-request-id']).toBe(id);
        expect(await logged(id)).toMatchObject({ route: '/greet' });
      },
    );

    it.each(['a b', 'x'.repeat(129), '<script>', '"', 'a,b', 'é'])(
      'is a new one instead of %.40s',
      async (id) => {
        const response = await request(service.urls.http).get('/greet?name=a').set('x-request-id', id);
        expect(response.headers['x-request-id']).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
      },
    );

    it('is a new one for each request without one', async () => {
      const ids = await Promise.all(
        Array.from(
          { length: 20 },
          async () => (await request(service.urls.http).get('/nope')).headers['x-request-id'],
        ),
      );
      expect(new Set(ids).size).toBe(20);
    });
  });

  describe('the access log', () => {
    it('has one line for each request, without the query', async () => {
      const { headers } = await request(service.urls.http).get('/greet?name=Secret');
      const line = await logged(headers['x-request-id']);
      expect(line).toEqual({
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        requestId: headers['x-request-id'],
        method: 'GET',
        route: '/greet',
        path: '/greet',
        status: 200,
        client: expect.stringMatching(/^(127\.0\.0\.1|0:0:0:0::\/64)$/),
        durationMs: expect.any(Number),
        msg: 'request',
      });
      expect(service.lines.filter(({ requestId }) => requestId === headers['x-request-id'])).toHaveLength(1);
    });

    it('gives the route of an unknown path as unmatched, and keeps control characters encoded', async () => {
      const { headers } = await request(service.urls.http).get('/%0A%1B[31m?x');
      expect(await logged(headers['x-request-id'])).toMatchObject({
        route: 'unmatched',
        path: '/%0A%1B[31m',
        status: 404,
      });
    });

    it.each(['/livez', '/readyz'])('has %s at debug level', async (path) => {
      const { headers } = await request(service.urls.http).get(path);
      expect(await logged(headers['x-request-id'])).toMatchObject({
        level: 'debug',
        route: path,
        status: 200,
      });
    });
  });
});

describe('an unexpected error', () => {
  it.each([
    ['an error', new Error('secret: hunter2')],
    ['an error with a status of its own', Object.assign(new Error('secret: hunter2'), { statusCode: 400 })],
    ['a thrown string', 'secret: hunter2'],
  ])('is answered 500 in general words and logged once with its cause: %s', async (_title, thrown) => {
    const { lines, ...options } = await createTestTelemetry();
    const app = await buildApp(options);
    app.get('/throws', () => {
      throw thrown;
    });
    await app.ready();
    const response = await request(app.server).get('/throws').set('origin', 'https://app.example.com');
    expect(response.status).toBe(500);
    expectProblem(response, { detail: expect.stringContaining('request id') });
    expect(response.text).not.toContain('hunter2');
    expect(response.headers['access-control-allow-origin']).toBe('*');
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ requestId: response.headers['x-request-id'], msg: 'request failed' });
    expect(JSON.stringify(errors[0])).toContain('hunter2');
    await app.close();
  });
});
