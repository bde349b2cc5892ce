import { get, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** The response as it came, not decompressed. */
function exchangeBytes(url: string, headers: Record<string, string>) {
  return new Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: Buffer }>(
    (resolve, reject) => {
      get(url, { headers }, async (response) =>
        resolve({ status: response.statusCode, headers: response.headers, body: await buffer(response) }),
      ).on('error', reject);
    },
  );
}

describe('the admin listener', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ ADMIN_PROFILES: 'on' });
  });
  afterAll(() => service.drain());

  it('serves the metrics of the process, its event loop and its garbage collector', async () => {
    const response = await request(service.urls.admin).get('/metrics');
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    for (const name of [
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
      'nodejs_gc_duration_seconds',
    ]) {
      expect(response.text).toContain(`\n# TYPE ${name} `);
    }
  });

  const getMetrics = (headers: Record<string, string> = {}) =>
    request(service.urls.admin)
      .get('/metrics')
      .set({ 'accept-encoding': 'identity', ...headers });
  const text = 'text/plain; version=0.0.4; charset=utf-8';
  const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

  it.each([
    [
      'Prometheus 2',
      `application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      openMetrics,
    ],
    [
      'Prometheus 3',
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
      openMetrics,
    ],
    ['a client of OpenMetrics', 'application/openmetrics-text', openMetrics],
    ['a client of both that prefers text', 'application/openmetrics-text;q=0.3,text/plain', text],
    ['curl', '*/*', text],
    ['a browser', 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8', text],
    ['a client of something else', 'application/json', text],
  ])('gives %s the format that it asks for', async (_title, accept, type) => {
    const response = await getMetrics({ accept });
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe(type);
    expect(response.headers.vary).toBe('Accept, Accept-Encoding');
    const body = response.text ?? response.body.toString();
    expect(body.endsWith('\n# EOF\n')).toBe(type === openMetrics);
    expect(body).toContain('\nprocess_cpu_seconds_total ');
    // The name of a counter without its suffix is the one that OpenMetrics declares, and Prometheus text does not.
    expect(body.includes('# TYPE process_cpu_seconds counter')).toBe(type === openMetrics);
  });

  it('renames no metric for those who ask for text later', async () => {
    const before = await getMetrics();
    await getMetrics({ accept: openMetrics });
    const names = (body: string) => body.match(/^# TYPE .*$/gm);
    expect(names((await getMetrics()).text)).toEqual(names(before.text));
  });

  it.each([
    ['gzip', 'gzip'],
    ['br, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity, gzip;q=0.5', undefined],
    ['br', undefined],
  ])('compresses the metrics for who accepts it: %s', async (accepted, encoding) => {
    const { status, headers, body } = await exchangeBytes(`${service.urls.admin}/metrics`, {
      'accept-encoding': accepted,
    });
    expect(status).toBe(200);
    expect(headers['content-encoding']).toBe(encoding);
    const metrics = encoding ? gunzipSync(body) : body;
    expect(metrics.toString()).toContain('process_cpu_seconds_total');
    if (encoding) expect(body.length).toBeLessThan(metrics.length / 3);
  });

  it('says at / what is here, for people and for programs', async () => {
    const page = await request(service.urls.admin).get('/');
    expect(page.headers['content-type']).toBe('text/plain; charset=utf-8');
    const { body } = await request(service.urls.admin).get('/').set('accept', 'application/json');
    expect(body).toMatchObject({ version: 'test', revision: 'test', node: process.versions.node });
    expect(body.endpoints.length).toBeGreaterThan(5);
    for (const { path, methods } of body.endpoints) {
      expect(page.text).toContain(`\n${path} `);
      const { headers } = await request(service.urls.admin).options(path);
      const allowed = headers.allow?.split(', ').filter((method) => !['HEAD', 'OPTIONS'].includes(method));
      expect(allowed, path).toEqual(methods);
    }
  });

  it('says at /version which build this is', async () => {
    const { body } = await request(service.urls.admin).get('/version');
    expect(body).toEqual({ version: 'test', revision: 'test', node: process.versions.node });
  });

  it.each([
    ['ADMIN_FAULTS', ['/faults']],
    ['ADMIN_PROFILES', ['/profiles/cpu', '/profiles/heap']],
  ])('can be without what %s=off turns off', async (variable, paths) => {
    const closed = await startTestService({ ADMIN_FAULTS: 'off', ADMIN_PROFILES: 'off' });
    for (const path of paths)
      for (const method of ['get', 'put', 'post', 'delete'] as const) {
        const response = await request(closed.urls.admin)[method](path).send({ errorRate: 1 });
        expect(response.status).toBe(403);
        expectProblem(response, { detail: expect.stringContaining(`Set ${variable}=on`) });
      }
    expect(await (await fetch(`${closed.urls.http}/greet?name=Alice`)).text()).toBe('Hello, Alice');
    await closed.drain();
  });

  it('does not serve the paths of the public port', async () => {
    const response = await request(service.urls.admin).get('/greet?name=Alice');
    expect(response.status).toBe(404);
    expectProblem(response, { status: 404 });
    const post = await request(service.urls.admin).post('/metrics');
    expect(post.status).toBe(405);
    expect(post.headers.allow).toBe('GET, HEAD, OPTIONS');
  });
});
