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

  it('does not let a page of another origin change the injected faults', async () => {
    const origin = 'https://evil.example.com';
    const faults = `${service.urls.admin}/faults`;
    const preflight = await fetch(faults, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT' },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    // A page may send this without a preflight.
    const body = '{"errorRate":1}';
    expect((await fetch(faults, { method: 'POST', headers: { origin }, body })).status).toBe(405);
    expect(await (await fetch(faults)).json()).toEqual({ delayMs: 0, errorRate: 0 });
  });
});
