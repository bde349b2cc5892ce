import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/instance.ts';
import type { Readiness } from '../../src/resilience/readiness.ts';
import { createTestTelemetry } from '../support/service.ts';

describe('the probes', () => {
  let app: App;
  let readiness: Readiness;
  beforeEach(async () => {
    const options = await createTestTelemetry();
    ({ readiness } = options);
    app = await buildApp(options);
    await app.ready();
    return () => app.close();
  });

  it.each([
    ['starting', 503],
    ['ready', 200],
    ['draining', 503],
  ] as const)('answer %s with %i at /readyz, and alive at /livez', async (state, status) => {
    readiness.become(state);
    const ready = await request(app.server).get('/readyz');
    expect(ready.status).toBe(status);
    expect(ready.body).toEqual({ status: state });
    const live = await request(app.server).get('/livez');
    expect(live.status).toBe(200);
    expect(live.body).toEqual({ status: 'alive' });
    for (const { headers } of [ready, live]) {
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      expect(headers['cache-control']).toBe('no-store');
    }
  });

  it('send Connection: close on every response while draining, and not before', async () => {
    readiness.become('ready');
    expect(
      (await request(app.server).get('/greet?name=a').set('connection', 'keep-alive')).headers.connection,
    ).toBe('keep-alive');
    readiness.become('draining');
    for (const path of ['/greet?name=a', '/greet', '/nope', '/livez', '/readyz']) {
      const { headers } = await request(app.server).get(path).set('connection', 'keep-alive');
      expect(headers.connection).toBe('close');
    }
  });
});
