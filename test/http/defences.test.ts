import { connect } from 'node:net';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange } from '../support/raw-http.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

describe('the HTTP listener against hostile clients', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService({ KEEP_ALIVE_TIMEOUT_MS: '50' });
  });
  afterAll(() => service.drain());

  it('sends a name that is a script as plain text, which no browser runs', async () => {
    const name = '<script>alert(1)</script>';
    const { headers, text } = await request(service.urls.http).get('/greet').query({ name });
    expect(text).toBe(`Hello, ${name}`);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('escapes a path that looks like the end of a log line', async () => {
    const path = '/a","level":"fatal","msg":"forged\\';
    const { headers } = await exchange(
      service.urls.http,
      `GET ${path} HTTP/1.1\r\nHost: greet\r\nConnection: close\r\n\r\n`,
    );
    await until(() => service.lines.some(({ requestId }) => requestId === headers['x-request-id']));
    const line = service.lines.find(({ requestId }) => requestId === headers['x-request-id']);
    expect(line).toMatchObject({ level: 'info', path, msg: 'request' });
  });

  it('closes a connection that is idle for KEEP_ALIVE_TIMEOUT_MS', async () => {
    const socket = connect(Number(new URL(service.urls.http).port), 'localhost');
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n');
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/Hello, Alice$/);
  });

  /** A page may send a POST with these content types to another origin without a preflight (Fetch Standard). */
  const simpleTypes = [
    undefined,
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
  ];
  it.each([
    ['/faults', '{"errorRate":1}'],
    ['/log-level', '{"level":"fatal"}'],
    ['/profiles/cpu', '{"seconds":60}'],
    ['/profiles/heap', '{}'],
  ])('does not let a page of another origin use %s', async (path, body) => {
    const operated = await startTestService({ ADMIN_PROFILES: 'on' });
    const origin = 'https://evil.example.com';
    const url = `${operated.urls.admin}${path}`;
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const preflight = await fetch(url, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': 'content-type',
        },
      });
      expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
      expect(preflight.headers.get('access-control-allow-methods')).toBeNull();
    }
    const statuses: number[] = [];
    for (const type of simpleTypes)
      for (const sent of [body, undefined]) {
        // As bytes: fetch would give a text a type of its own.
        const init = { method: 'POST', headers: { origin, ...(type && { 'content-type': type }) } };
        const response = await fetch(url, { ...init, ...(sent && { body: Buffer.from(sent) }) });
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
        statuses.push(response.status);
      }
    expect(statuses.filter((status) => ![400, 405, 415].includes(status))).toEqual([]);
    expect((await (await fetch(url, { headers: { origin } })).text()).length).toBeGreaterThan(0);
    expect(await (await fetch(`${operated.urls.admin}/faults`)).json()).toEqual({ delayMs: 0, errorRate: 0 });
    expect(await (await fetch(`${operated.urls.admin}/log-level`)).json()).toMatchObject({ level: 'debug' });
    expect(operated.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    await operated.drain();
  });
});
