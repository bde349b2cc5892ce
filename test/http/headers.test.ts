import { once } from 'node:events';
import { connect } from 'node:http2';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { buildApp } from '../../src/http/app.ts';
import { exchange } from '../support/raw-http.ts';
import { createTestTelemetry, startTestService, type TestService } from '../support/service.ts';

type Headers = Readonly<Record<string, unknown>>;

/** Checks that no header names software or its version, which would tell an attacker which flaws to try. */
function expectNoBanner(headers: Headers): void {
  for (const name of [
    'server',
    'x-powered-by',
    'via',
    'x-aspnet-version',
    'x-runtime',
    'x-version',
    'user-agent',
  ])
    expect(headers).not.toHaveProperty(name);
  const text = Object.entries(headers)
    // This version is that of Prometheus's text format.
    .map(([name, value]) => `${name}: ${String(value).replace('text/plain; version=0.0.4', '')}`)
    .join('\n');
  expect(text).not.toMatch(/fastify|node|express|grpc-js|swagger|llhttp|nghttp2/i);
  expect(text).not.toMatch(/\d+\.\d+\.\d+/);
}

const get = (target: string, ...lines: string[]) =>
  [`GET ${target} HTTP/1.1`, 'Host: greet', 'Connection: close', ...lines, '', ''].join('\r\n');
const by = (method: string, target: string) => get(target).replace('GET', method);

/** Responses of every kind, with their Cache-Control; undefined for those that caches may keep only if they can be revalidated. */
const responses: readonly [
  title: string,
  status: number,
  request: string,
  cacheControl: string | undefined,
][] = [
  ['a greeting', 200, get('/greet?name=Alice'), 'no-store'],
  ['a greeting in JSON', 200, get('/greet?name=Alice', 'Accept: application/json'), 'no-store'],
  ['a greeting to HEAD', 200, by('HEAD', '/greet?name=Alice'), 'no-store'],
  ['a bad name', 400, get('/greet?name='), 'no-store'],
  ['a bad target', 400, get('/greet?name=%FF'), 'no-store'],
  ['an unknown path', 404, get('/nope'), 'no-store'],
  ['a method that is not allowed', 405, by('POST', '/greet'), 'no-store'],
  ['an unacceptable media type', 406, get('/greet?name=Alice', 'Accept: image/png'), 'no-store'],
  ['a long target', 414, get(`/greet?name=${'a'.repeat(5_000)}`), 'no-store'],
  ['an unknown expectation', 417, get('/greet?name=a', 'Expect: miracles'), 'no-store'],
  ['an unknown transfer coding', 501, get('/greet?name=a', 'Transfer-Encoding: foo'), 'no-store'],
  ['a refusal of random bytes by the parser', 400, 'noise\r\n\r\n', 'no-store'],
  ['a refusal of a method by the parser', 501, 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 'no-store'],
  ['a refusal of long headers by the parser', 431, get('/greet', `X-A: ${'a'.repeat(9_000)}`), 'no-store'],
  ['CONNECT', 405, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 'no-store'],
  ['liveness', 200, get('/livez'), 'no-store'],
  ['readiness', 200, get('/readyz'), 'no-store'],
  ['OPTIONS', 204, by('OPTIONS', '/greet'), undefined],
  ['a redirect', 302, get('/'), undefined],
  ['the document', 200, get('/openapi.json'), 'no-cache'],
  ['the document in YAML', 200, get('/openapi.yaml'), 'no-cache'],
  ['the docs', 200, get('/docs/'), 'no-cache'],
  ['a script of the docs', 200, get('/docs/static/page.js'), 'no-cache'],
  ['a file of the docs', 200, get('/docs/static/swagger-ui.css'), 'no-cache'],
  ['an unknown file of the docs', 404, get('/docs/static/nope.css'), 'no-store'],
];

describe('the headers of', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  it.each(responses)(
    '%s name no software, and tell caches and browsers what they may do',
    async (...response) => {
      const [, expected, bytes, cacheControl] = response;
      const { status: answered, headers } = await exchange(service.urls.http, bytes);
      expect(answered).toBe(expected);
      expectNoBanner(headers);
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['cache-control']).toBe(cacheControl);
      expect(headers['x-request-id']).toBeTruthy();
      // Clients ignore it over plain HTTP (RFC 6797, section 7.2).
      expect(headers).not.toHaveProperty('strict-transport-security');
    },
  );

  it('an unexpected error are the same', async () => {
    const options = await createTestTelemetry({ LOG_LEVEL: 'silent' });
    const app = await buildApp(options);
    app.get('/throws', () => {
      throw Object.assign(new Error('secret'), { headers: { server: 'secret' } });
    });
    const { statusCode, headers } = await app.inject('/throws');
    expect(statusCode).toBe(500);
    expectNoBanner(headers);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toBe('no-store');
    await app.close();
  });

  it.each(['/metrics', '/faults', '/nope'])('%s on the admin port name no software either', async (path) => {
    const { headers } = await exchange(service.urls.admin, get(path));
    expectNoBanner(headers);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it.each<[string, string, Buffer, status]>([
    ['a greeting over gRPC', greetService.Greet.path, frameOf('Alice'), status.OK],
    ['a refusal over gRPC', greetService.Greet.path, frameOf(''), status.INVALID_ARGUMENT],
    ['an unknown method over gRPC', '/greet.GreetService/Nope', frameOf('Alice'), status.UNIMPLEMENTED],
    ['health over gRPC', '/grpc.health.v1.Health/Check', Buffer.alloc(5), status.OK],
  ])('%s name no software', async (_title, path, body, code) => {
    const session = connect(`http://${service.urls.grpc}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const seen: Record<string, unknown>[] = [];
    stream.on('response', (headers) => seen.push({ ...headers }));
    stream.on('trailers', (headers) => seen.push({ ...headers }));
    stream.resume().end(body);
    await once(stream, 'close');
    session.close();
    expect(Object.assign({}, ...seen)['grpc-status']).toBe(String(code));
    for (const headers of seen) expectNoBanner(headers);
  });
});

function frameOf(name: string): Buffer {
  const message = greetService.Greet.requestSerialize({ message: name });
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}

describe('the docs page', () => {
  it('loads only its own files, cannot be framed, and sends no referrer', async () => {
    const service = await startTestService();
    const { headers, body } = await exchange(service.urls.http, get('/docs/'));
    const policy = Object.fromEntries(
      (headers['content-security-policy'] ?? '')
        .split(';')
        .map((directive) => directive.trim().split(/ (.*)/s, 2)),
    );
    expect(policy).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'img-src': "'self' data:",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
    });
    expect(headers['cross-origin-opener-policy']).toBe('same-origin');
    expect(headers['referrer-policy']).toBe('no-referrer');
    const scripts = [...body.matchAll(/<script\b([^>]*)>([^<]*)</g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes, text] of scripts) {
      expect(attributes).toMatch(/ src="static\//);
      expect(text?.trim()).toBe('');
    }
    // Relative, so that they are found below the prefix of a proxy too.
    for (const [, url] of body.matchAll(/(?:src|href)="([^"]*)"/g))
      expect(url).toMatch(/^(?:static\/|\.\.\/openapi\.json$|data:,$)/);
    await service.drain();
  });
});
