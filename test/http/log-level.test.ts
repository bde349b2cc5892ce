import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem } from '../support/problem.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

describe('/log-level on the admin port', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ LOG_LEVEL: 'info' });
  });
  afterEach(() => request(service.urls.admin).delete('/log-level'));
  afterAll(() => service.drain());

  const put = (body: object) => request(service.urls.admin).put('/log-level').send(body);
  const read = async () => (await request(service.urls.admin).get('/log-level')).body;
  const lineOf = (requestId: string) => service.lines.find((line) => line.requestId === requestId);
  /** Sends a request and waits until a later one is in the log, so that this one is if it is logged at all. */
  const isLogged = async (path: string) => {
    const id = `${path.slice(1, 6)}-${service.lines.length}`;
    await request(service.urls.http).get(path).set('x-request-id', id);
    await request(service.urls.http).get('/nope');
    await until(() => service.lines.at(-1)?.path === '/nope' || service.lines.at(-1)?.level !== 'info');
    return lineOf(id) !== undefined;
  };

  it('is the configured one at first', async () => {
    expect(await read()).toEqual({ level: 'info', configured: 'info' });
    expect(await isLogged('/livez')).toBe(false);
  });

  it('changes both logs at once, and returns when told', async () => {
    const { status, body } = await put({ level: 'debug' });
    expect(status).toBe(200);
    expect(body).toEqual({ level: 'debug', configured: 'info', until: expect.any(String) });
    // Ten minutes, unless told otherwise.
    const left = Date.parse(body.until) - Date.now();
    expect(left).toBeGreaterThan(540_000);
    expect(left).toBeLessThanOrEqual(600_000);
    expect(await isLogged('/livez')).toBe(true);
    expect((await request(service.urls.admin).delete('/log-level')).body).toEqual({
      level: 'info',
      configured: 'info',
    });
    expect(await isLogged('/livez')).toBe(false);
  });

  it('returns by itself after the time that it is given', async () => {
    const { body } = await put({ level: 'error', forSeconds: 1 });
    await request(service.urls.http).get('/greet?name=Alice').set('x-request-id', 'unlogged');
    await until(async () => (await read()).level === 'info');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(body.until));
    expect(await read()).toEqual({ level: 'info', configured: 'info' });
    expect(await isLogged('/greet?name=Alice')).toBe(true);
    expect(lineOf('unlogged')).toBeUndefined();
  });

  it('tells who changed it, in the more verbose of both levels', async () => {
    await put({ level: 'fatal' });
    await put({ level: 'info' });
    const changes = service.lines.filter(({ msg }) => msg === 'log level changed').slice(-2);
    expect(changes).toEqual([
      expect.objectContaining({ level: 'warn', from: 'info', to: 'fatal', until: expect.any(String) }),
      expect.objectContaining({ level: 'warn', from: 'fatal', to: 'info' }),
    ]);
    for (const { client } of changes) expect(client).toMatch(/^(127\.0\.0\.1|::1)$/);
    expect(changes[1]).not.toHaveProperty('until');
  });

  it.each<[string, object, string[]]>([
    ['no level', {}, ['level']],
    ['a level that there is not', { level: 'loud' }, ['level']],
    ['more than an hour', { level: 'debug', forSeconds: 3_601 }, ['forSeconds']],
    ['no time', { level: 'debug', forSeconds: 0 }, ['forSeconds']],
    ['what nobody knows', { level: 'debug', until: 'tomorrow' }, ['']],
  ])('refuses %s', async (_title, body, fields) => {
    const response = await put(body);
    expect(response.status).toBe(400);
    expectProblem(response, { errors: fields.map((field) => expect.objectContaining({ field })) });
    expect(await read()).toEqual({ level: 'info', configured: 'info' });
  });
});
