import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAllowedHost } from '../../src/http/admin.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** The status of `GET /metrics` with this Host. */
function statusFor(address: string, port: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: address, port, path: '/metrics', headers: { host }, agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}

describe('the admin port on a loopback address', () => {
  let service: TestService;
  let port: string;
  beforeAll(async () => {
    service = await startTestService({ HOST: '127.0.0.1', ADMIN_HOSTS: 'Metrics.example.com' });
    ({ port } = new URL(service.urls.admin));
  });
  afterAll(() => service.drain());

  it.each([
    'localhost',
    'LOCALHOST:1',
    'greet.localhost',
    '127.0.0.1',
    '127.0.0.1:80',
    '[::1]',
    'metrics.example.com',
    'METRICS.EXAMPLE.COM:9464',
  ])('answers to the name %s', async (host) => expect(await statusFor('127.0.0.1', port, host)).toBe(200));

  it.each([
    'attacker.example',
    'localhost.attacker.example',
    '127.0.0.1.attacker.example',
    'other.example.com',
    '203.0.113.1',
    '[2001:db8::1]',
  ])('refuses the name %s, to which a page may have bound this address', async (host) => {
    expect(await statusFor('127.0.0.1', port, host)).toBe(421);
    const response = await fetch(`${service.urls.admin}/faults`);
    expect(await response.json()).toEqual({ delayMs: 0, errorRate: 0 });
  });

  it('says what to do', async () => {
    const text = await new Promise<string>((resolve) => {
      httpRequest(
        { host: '127.0.0.1', port, path: '/', headers: { host: 'a.example' }, agent: false },
        async (response) => {
          resolve(Buffer.concat(await response.toArray()).toString());
        },
      ).end();
    });
    expect(JSON.parse(text)).toMatchObject({ detail: expect.stringContaining('ADMIN_HOSTS') });
  });
});

describe('isAllowedHost', () => {
  const accepts = (host: string | undefined, localAddress: string, ...adminHosts: string[]) =>
    isAllowedHost({ headers: { host }, socket: { localAddress } } as IncomingMessage, adminHosts);

  it('accepts any name on another address, as Prometheus and Kubernetes need', () => {
    expect(accepts('greet.monitoring.svc:9464', '10.1.2.3')).toBe(true);
    expect(accepts('greet.monitoring.svc', '::1')).toBe(false);
    expect(accepts('greet.monitoring.svc', '::ffff:127.0.0.1')).toBe(false);
  });

  it('accepts only addresses and the listed names on another address if names are listed', () => {
    expect(accepts('greet.monitoring.svc:9464', '10.1.2.3', 'greet.monitoring.svc')).toBe(true);
    expect(accepts('10.1.2.3:9464', '10.1.2.3', 'greet.monitoring.svc')).toBe(true);
    expect(accepts('[2001:db8::1]:9464', '2001:db8::1', 'greet.monitoring.svc')).toBe(true);
    expect(accepts('attacker.example', '10.1.2.3', 'greet.monitoring.svc')).toBe(false);
  });

  it('accepts a client of HTTP/1.0 without a Host: no browser is one', () => {
    expect(accepts(undefined, '127.0.0.1')).toBe(true);
  });
});
