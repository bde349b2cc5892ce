import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService } from '../support/service.ts';

describe('the admin listener', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
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

  it('does not serve the paths of the public port', async () => {
    const response = await request(service.urls.admin).get('/greet?name=Alice');
    expect(response.status).toBe(404);
    expectProblem(response, { status: 404 });
    const post = await request(service.urls.admin).post('/metrics');
    expect(post.status).toBe(405);
    expect(post.headers.allow).toBe('GET, HEAD, OPTIONS');
  });
});
