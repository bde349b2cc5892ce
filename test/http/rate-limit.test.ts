import { once } from 'node:events';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useFakeClock } from '../support/fake-clock.ts';
import { expectProblem } from '../support/problem.ts';
import { exchange } from '../support/raw-http.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

describe('a rate limit', () => {
  let service: TestService;
  // No window ends unless the test moves the clock.
  beforeEach(() => useFakeClock('performance'));
  afterEach(() => service.drain());
  const start = async (env: Record<string, string> = {}) => {
    service = await startTestService({ RATE_LIMIT_MAX: '3', ...env });
  };
  const greetFrom = (forwardedFor?: string) => {
    const greeting = request(service.urls.http.replace('localhost', '127.0.0.1')).get('/greet?name=Alice');
    return forwardedFor === undefined ? greeting : greeting.set('x-forwarded-for', forwardedFor);
  };
  const exhaust = async (forwardedFor?: string) => {
    for (let count = 0; count < 3; count += 1) expect((await greetFrom(forwardedFor)).status).toBe(200);
    expect((await greetFrom(forwardedFor)).status).toBe(429);
  };

  it('tells clients with each response how many requests are left, and refuses further ones', async () => {
    await start();
    for (const left of [2, 1, 0]) {
      const { status, headers } = await greetFrom();
      expect(status).toBe(200);
      expect(headers['ratelimit-policy']).toBe('"address";q=3;w=60');
      expect(headers.ratelimit).toBe(`"address";r=${left};t=60`);
      expect(headers).not.toHaveProperty('retry-after');
    }
    const refused = await greetFrom().set('origin', 'https://app.example.com');
    expect(refused.status).toBe(429);
    expectProblem(refused, {
      detail: 'One address may send 3 requests in 60 s. Try again in 60 s.',
    });
    expect(refused.headers).toMatchObject({
      'retry-after': '60',
      'ratelimit-policy': '"address";q=3;w=60',
      ratelimit: '"address";r=0;t=60',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'X-Request-Id, Retry-After, RateLimit, RateLimit-Policy',
    });
  });

  it('counts and logs refused requests like all others', async () => {
    await start();
    await exhaust();
    await until(() => service.lines.some(({ status }) => status === 429));
    expect(service.lines.find(({ status }) => status === 429)).toMatchObject({
      level: 'info',
      route: '/greet',
      msg: 'request',
    });
    expect(service.lines.filter(({ level }) => level !== 'info' && level !== 'debug')).toEqual([]);
    const { text } = await request(service.urls.admin).get('/metrics');
    expect(text).toContain(
      'http_server_request_duration_seconds_count{method="GET",route="/greet",status="429"} 1\n',
    );
  });

  it('serves a client again when its window has ended, and not before', async () => {
    await start({ RATE_LIMIT_WINDOW_MS: '2000' });
    await exhaust();
    expect((await greetFrom()).headers['retry-after']).toBe('2');
    vi.advanceTimersByTime(1_999);
    const { status, headers } = await greetFrom();
    expect(status).toBe(429);
    expect(headers['retry-after']).toBe('1');
    vi.advanceTimersByTime(1);
    expect((await greetFrom()).status).toBe(200);
  });

  it('counts invalid requests, but no probes, no preflights and no requests to the admin port', async () => {
    await start();
    const at = (path: string) => request(service.urls.http.replace('localhost', '127.0.0.1')).get(path);
    for (let count = 0; count < 10; count += 1) {
      expect((await at('/livez')).status).toBe(200);
      expect((await at('/live%7A')).status).toBe(200);
      const ready = await at('/readyz');
      expect(ready.status).toBe(200);
      expect(ready.headers).not.toHaveProperty('ratelimit');
      const preflight = await request(service.urls.http.replace('localhost', '127.0.0.1'))
        .options('/greet')
        .set({ origin: 'https://app.example.com', 'access-control-request-method': 'GET' });
      expect(preflight.status).toBe(204);
      expect((await request(service.urls.admin).get('/faults')).status).toBe(200);
    }
    expect((await at('/nope')).status).toBe(404);
    expect((await at('/greet')).status).toBe(400);
    expect((await at('/greet?name=%FF')).headers.ratelimit).toMatch(/^"address";r=0;/);
    expect((await at('/nope')).status).toBe(429);
    expect((await at('/docs')).status).toBe(429);
    expect((await request(service.urls.http.replace('localhost', '127.0.0.1')).post('/readyz')).status).toBe(
      429,
    );
    expect((await at('/readyz')).status).toBe(200);
  });

  it('ignores X-Forwarded-For by default', async () => {
    await start();
    for (const claim of ['203.0.113.1', '203.0.113.2', '203.0.113.3'])
      expect((await greetFrom(claim)).status).toBe(200);
    expect((await greetFrom('203.0.113.4')).status).toBe(429);
  });

  it('ignores X-Forwarded-For from a peer that is not trusted', async () => {
    await start({ TRUSTED_PROXIES: '127.0.0.1' });
    // From another address of the loopback interface, by a socket bound to it.
    const from = async (claim: string) => {
      const agent = new Agent();
      const { port } = new URL(service.urls.http);
      const options = { host: '127.0.0.1', port, localAddress: '127.0.0.2', agent };
      const sent = httpGet({ ...options, path: '/greet?name=a', headers: { 'x-forwarded-for': claim } });
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      response.resume();
      await once(response, 'end');
      return response.statusCode;
    };
    for (const claim of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) expect(await from(claim)).toBe(200);
    expect(await from('203.0.113.4')).toBe(429);
    expect((await greetFrom('203.0.113.4')).status).toBe(200);
  });

  it('tells the clients of a trusted proxy apart, by the last address in X-Forwarded-For', async () => {
    await start({ TRUSTED_PROXIES: 'loopback' });
    await exhaust('203.0.113.1');
    expect((await greetFrom('203.0.113.2')).status).toBe(200);
    // The proxy appends its own address after everything that the client wrote, even after a header of its own.
    for (const spoofed of ['198.51.100.1, 203.0.113.1', '127.0.0.1, 203.0.113.1', 'x,, 203.0.113.1'])
      expect((await greetFrom(spoofed)).status).toBe(429);
    const twoLines = 'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.1\r\n';
    const head = `GET /greet?name=a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${twoLines}\r\n`;
    expect((await exchange(service.urls.http, head)).status).toBe(429);
  });

  it('takes all addresses of an IPv6 /64 for one client', async () => {
    await start({ TRUSTED_PROXIES: 'loopback' });
    for (const host of ['1', '2', 'ffff:ffff:ffff:ffff']) {
      const address = `2001:db8:0:1${host.includes(':') ? ':' : '::'}${host}`;
      expect((await greetFrom(address)).status).toBe(200);
    }
    expect((await greetFrom('2001:db8:0:1::3')).status).toBe(429);
    expect((await greetFrom('2001:db8:0:2::3')).status).toBe(200);
  });

  it('serves requests with unusual headers of a trusted proxy, also when each is traced', async () => {
    await start({
      RATE_LIMIT_MAX: '100',
      TRUSTED_PROXIES: 'loopback',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    });
    for (const odd of [
      'X-Forwarded-For: <script>',
      'X-Forwarded-For: ,',
      `X-Forwarded-For: ${'1,'.repeat(3_000)}`,
      'X-Forwarded-Host: [::1',
      'X-Forwarded-Host: a b, c d',
      'X-Forwarded-Proto: javascript',
    ]) {
      const head = `GET /greet?name=a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${odd}\r\n\r\n`;
      expect((await exchange(service.urls.http, head)).body).toBe('Hello, a');
    }
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('without a rate limit', () => {
  it('sends no rate limit headers and refuses no request', async () => {
    const service = await startTestService();
    for (let count = 0; count < 200; count += 1) {
      const response = await fetch(`${service.urls.http}/greet?name=a`);
      expect(response.status).toBe(200);
      expect([...response.headers.keys()].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
      await response.text();
    }
    await service.drain();
  });
});
