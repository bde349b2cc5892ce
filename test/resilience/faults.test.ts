import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createGrpcClient,
  createHttpClient,
  GreetError,
  type GrpcClient,
  type HttpClient,
} from '../../src/client/exports.ts';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

describe('/faults on the admin port', () => {
  let service: TestService;
  let http: HttpClient;
  let grpc: GrpcClient;
  beforeAll(async () => {
    service = await startTestService({ MAX_EVENT_LOOP_DELAY_MS: '3600000' });
    http = createHttpClient({ url: service.urls.http, attempts: 1, timeoutMs: 50_000 });
    grpc = createGrpcClient({ address: service.urls.grpc, attempts: 1 });
  });
  afterEach(() => request(service.urls.admin).delete('/faults'));
  afterAll(async () => {
    grpc.close();
    await service.drain();
  });

  const put = (plan: unknown) =>
    request(service.urls.admin)
      .put('/faults')
      .send(plan as object);
  const kindOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'greeted',
      (error: unknown) => (error instanceof GreetError ? error.kind : String(error)),
    );

  it('are off by default, and are not served on the public port', async () => {
    expect((await request(service.urls.admin).get('/faults')).body).toEqual({ delayMs: 0, errorRate: 0 });
    expect((await request(service.urls.http).put('/faults').send({ errorRate: 1 })).status).toBe(404);
    expect(await kindOf(http.greet('Alice'))).toBe('greeted');
  });

  it('fail greetings over both transports but no probe, until they are deleted', async () => {
    const response = await put({ errorRate: 1 });
    expect(response.status).toBe(200);
    expect(response.body).toEqual({ delayMs: 0, errorRate: 1 });
    const failed = await request(service.urls.http).get('/greet?name=Alice');
    expect(failed.status).toBe(503);
    expect(failed.headers['retry-after']).toBe('1');
    expectProblem(failed, { detail: 'This failure was injected for a rehearsal.' });
    expect(await kindOf(grpc.greet('Alice'))).toBe('unavailable');
    expect((await request(service.urls.http).get('/readyz')).status).toBe(200);
    // A bad name is refused in any case: the fault is injected after validation.
    expect(await kindOf(http.greet(''))).toBe('invalid');

    expect((await request(service.urls.admin).delete('/faults')).body).toEqual({ delayMs: 0, errorRate: 0 });
    expect(await kindOf(http.greet('Alice'))).toBe('greeted');
    expect(await kindOf(grpc.greet('Alice'))).toBe('greeted');
  });

  it('delay greetings over both transports, but no longer than the deadline', async () => {
    await put({ delayMs: 200 });
    for (const client of [http, grpc]) {
      const startedAt = performance.now();
      expect(await kindOf(client.greet('Alice'))).toBe('greeted');
      expect(performance.now() - startedAt).toBeGreaterThan(190);
    }
    const hasty = createGrpcClient({ address: service.urls.grpc, timeoutMs: 100, attempts: 1 });
    expect(await kindOf(hasty.greet('Alice'))).toBe('timeout');
    hasty.close();
  });

  it('are retried by both clients', async () => {
    await put({ errorRate: 0.4 });
    // Over HTTP each attempt comes a second after the one before, as Retry-After asks.
    const patient = createGrpcClient({ address: service.urls.grpc, attempts: 5, timeoutMs: 60_000 });
    const persistent = createHttpClient({ url: service.urls.http, attempts: 8, timeoutMs: 60_000 });
    const kinds = await Promise.all(
      Array.from({ length: 40 }, (_, index) => kindOf((index % 2 ? patient : persistent).greet('Alice'))),
    );
    patient.close();
    // Without retries sixteen of the forty would fail. With retries 1 % of the gRPC calls fail, and fewer over HTTP.
    expect(kinds.filter((kind) => kind !== 'greeted').length).toBeLessThan(4);
  });

  it('fail about the requested share of greetings', async () => {
    await put({ errorRate: 0.3 });
    const kinds = await Promise.all(Array.from({ length: 400 }, () => kindOf(http.greet('Alice'))));
    const failed = kinds.filter((kind) => kind === 'unavailable').length;
    // Six standard deviations on either side of the mean, 120.
    expect(failed).toBeGreaterThan(65);
    expect(failed).toBeLessThan(175);
  });

  it('end after the time that was set', async () => {
    const startedAt = Date.now();
    const { body } = await put({ errorRate: 1, forSeconds: 1 });
    expect(body).toEqual({ delayMs: 0, errorRate: 1, until: expect.any(String) });
    expect(Math.abs(Date.parse(body.until) - startedAt - 1_000)).toBeLessThan(60_000);
    expect((await request(service.urls.admin).get('/faults')).body).toEqual(body);
    expect(await kindOf(http.greet('Alice'))).toBe('unavailable');
    await until(async () => (await kindOf(http.greet('Alice'))) === 'greeted');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(body.until));
    expect((await request(service.urls.admin).get('/faults')).body).toEqual({ delayMs: 0, errorRate: 0 });
    expect(service.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'no more faults are injected: their time is over' }),
    );
  });

  it('continue if a later request sets no end', async () => {
    await put({ errorRate: 1, forSeconds: 1 });
    expect((await put({ errorRate: 1 })).body).toEqual({ delayMs: 0, errorRate: 1 });
    // A second timer with the same time: once it has ended, the first one would have ended, too.
    await request(service.urls.admin).put('/log-level').send({ level: 'info', forSeconds: 1 });
    await until(async () => !(await request(service.urls.admin).get('/log-level')).body.until);
    expect(await kindOf(http.greet('Alice'))).toBe('unavailable');
  });

  it('are counted in metrics and logged', async () => {
    await put({ errorRate: 1, delayMs: 1 });
    await kindOf(http.greet('Alice'));
    const { text } = await request(service.urls.admin).get('/metrics');
    expect(Number(/greet_faults_injected_total\{kind="error"\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(0);
    expect(Number(/greet_faults_injected_total\{kind="delay"\} (\d+)/.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toMatch(
      /http_server_request_duration_seconds_count\{method="GET",route="\/greet",status="503"\} [1-9]/,
    );
    expect(service.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'faults are injected from now on',
        errorRate: 1,
        delayMs: 1,
        client: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
      }),
    );
  });

  it.each<[string, unknown, string[]]>([
    ['a delay that is not valid', { delayMs: -1 }, ['delayMs']],
    ['a delay too long', { delayMs: 60_001 }, ['delayMs']],
    ['a rate above 1, and a delay in words', { delayMs: '5s', errorRate: 1.1 }, ['delayMs', 'errorRate']],
    ['an unknown fault', { errorRat: 1 }, ['']],
    ['a time that is not valid', { errorRate: 1, forSeconds: 0 }, ['forSeconds']],
    ['a time of more than a day', { errorRate: 1, forSeconds: 86_401 }, ['forSeconds']],
    ['a list', [], ['']],
  ])('refuse %s, and do not change', async (_title, plan, fields) => {
    const response = await put(plan);
    expect(response.status).toBe(400);
    expectProblem(response, { errors: fields.map((field) => expect.objectContaining({ field })) });
    expect((await request(service.urls.admin).get('/faults')).body).toEqual({ delayMs: 0, errorRate: 0 });
  });

  it.each<[string, string, string, number]>([
    ['no JSON', 'application/json', '{', 400],
    ['no body', 'application/json', '', 400],
    ['another type', 'text/csv', 'a,b', 415],
    ['more than a kilobyte', 'application/json', `{"delayMs":${' '.repeat(2_000)}1}`, 413],
  ])('refuse %s', async (_title, type, body, status) => {
    const response = await request(service.urls.admin).put('/faults').set('content-type', type).send(body);
    expect(response.status).toBe(status);
    expect(response.headers['content-type']).toBe('application/problem+json');
  });
});
