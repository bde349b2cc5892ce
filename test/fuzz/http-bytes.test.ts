import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { problemMediaType, problemSchema } from '../../src/http/problem.ts';
import { fuzz, literal } from '../support/fuzz.ts';
import { FuzzTarget } from '../support/fuzz-target.ts';
import { parseResponses, type Response } from '../support/http1-parser.ts';
import { mutated, type Sending, sendings } from '../support/mutation.ts';
import { sendInPieces } from '../support/send-in-pieces.ts';

const request = (line: string, headers: readonly string[] = [], body = '') =>
  Buffer.from([`${line} HTTP/1.1`, 'Host: greet', ...headers, '', body].join('\r\n'), 'latin1');
const json = ['Content-Type: application/json'];
const withBody = (line: string, body: string) =>
  request(line, [...json, `Content-Length: ${body.length}`], body);
const inChunks = (line: string, body: string) =>
  request(
    line,
    [...json, 'Transfer-Encoding: chunked'],
    `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );

const everywhere = [
  request('OPTIONS *'),
  request('TRACE /'),
  request('CONNECT greet:80'),
  request('GET /nope'),
  request('BREW /greet'),
  Buffer.from('GET /livez HTTP/1.0\r\n\r\n'),
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
];
const publicCorpus = [
  ...everywhere,
  request('GET /greet?name=Alice'),
  request('GET /greet?name=Zo%C3%AB%20%E4%B8%96', [
    'Accept: application/json;q=0.9, text/plain;q=0.5, */*;q=0',
  ]),
  request('GET /greet?name=a&name=b'),
  request('GET http://greet/greet?name=%00', ['X-Request-Id: abc-123']),
  request('HEAD /greet?name=Alice', ['Connection: close']),
  request('OPTIONS /greet', ['Origin: https://example.com', 'Access-Control-Request-Method: GET']),
  request('GET /livez', ['Expect: 100-continue', 'Content-Length: 0']),
  request('GET /readyz', ['Connection: keep-alive', 'Keep-Alive: timeout=5, max=1000']),
  request('GET /docs/static/index.css', [
    'Range: bytes=0-3,5-',
    'If-None-Match: "x"',
    'Accept-Encoding: gzip',
  ]),
  request('GET /docs', [
    'Upgrade: h2c, websocket',
    'Connection: Upgrade, HTTP2-Settings',
    'HTTP2-Settings: AAMAAABkAAQ',
  ]),
  request('GET /openapi.yaml'),
  request('GET /', [
    'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'tracestate: a=b',
  ]),
  withBody('POST /greet', '{"name":"Alice"}'),
  inChunks('PUT /greet?name=Alice', 'name=Alice'),
  withBody('GET /greet?name=Alice', '{"name":"Bob"}'),
  inChunks('GET /greet?name=Alice', '{}'),
];
const adminCorpus = [
  ...everywhere,
  request('GET /metrics', ['Accept: application/openmetrics-text; version=1.0.0', 'Accept-Encoding: gzip']),
  request('GET /faults'),
  request('HEAD /faults'),
  request('OPTIONS /faults'),
  withBody('PUT /faults', '{"delayMs":0,"errorRate":0.5}'),
  withBody('PUT /faults', '{"delayMs":1,"errorRate":1e-7,"more":[{"__proto__":null}]}'),
  inChunks('PUT /faults', '{"errorRate":0}'),
  request('PUT /faults', ['Content-Type: text/plain', 'Content-Length: 2'], '{}'),
  request(
    'PUT /faults',
    ['Content-Type: application/json; charset=utf-16', 'Expect: 100-continue', 'Content-Length: 2'],
    '{}',
  ),
  request('PUT /faults', [...json, 'Content-Length: 0']),
  withBody('PUT /faults', `"${'a'.repeat(1_100)}"`),
  withBody('DELETE /faults', 'x'),
  request('DELETE /faults', json),
];
const pieces = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '%',
  '%00',
  '%ff',
  '/',
  '?',
  '#',
  '&name=',
  '=',
  '..',
  '\\',
  '*',
  '[',
  '"',
  '{',
  '\u00ff',
  '\u00c3\u00a9',
  'Host: other\r\n',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity, chunked\r\n',
  'Connection: close\r\n',
  'Expect: 100-continue\r\n',
  'Upgrade: websocket\r\n',
  'Content-Type: \r\n',
  'Content-Type: application/json\r\n',
  'Accept: \r\n',
  'Trailer: X\r\n',
  'ffffffffffffffff\r\n',
  '0\r\n\r\n',
  '5;a="\r\n',
  'HTTP/1.1',
  'HTTP/9.9',
  'GET ',
  'HEAD ',
].map((piece) => Buffer.from(piece, 'latin1'));

/** The statuses for a bad request. 421 is for the Host of the admin port; 501 and 505 are for HTTP features that are not supported. */
const refusals = [400, 403, 404, 405, 406, 408, 413, 414, 415, 417, 421, 431, 501, 505];
const successes = [100, 200, 204, 206, 302, 304, 416];

function expectSound({ status, headers, body }: Response): void {
  expect([...refusals, ...successes]).toContain(status);
  if (status === 100) return;
  expect(headers['x-request-id']).toMatch(/^[\w.:+/=-]{1,128}$/);
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers).toHaveProperty('date');
  if (status === 405) expect(headers.allow).toMatch(/^GET, /);
  if (!refusals.includes(status)) return;
  expect(headers['content-type']).toBe(problemMediaType);
  if (body === '') return;
  const problem = problemSchema.strict().parse(JSON.parse(body));
  expect(problem).toMatchObject({ status, requestId: headers['x-request-id'] });
}

const target = new FuzzTarget();
afterAll(() => target.dispose());

/** Several connections at once, each with several requests. */
const conversations = (corpus: readonly Buffer[]) =>
  fc.array(sendings(mutated(corpus, pieces)), { minLength: 1, maxLength: 30 });
const tell = (sendings: readonly Sending[]) =>
  sendings.map(({ bytes, ...how }) => `${literal(bytes)}\n  ${JSON.stringify(how)}`).join('\n');

async function expectSoundAnswers(url: string, sendings: readonly Sending[]): Promise<void> {
  const received = await Promise.all(sendings.map((sending) => sendInPieces(url, sending)));
  for (const [index, bytes] of received.entries())
    if (sendings[index]?.end === 'finish') for (const answer of parseResponses(bytes)) expectSound(answer);
  await target.expectUnharmed();
}

describe('HTTP, byte by byte', () => {
  it('answers any bytes with a valid response, and greets the next client', async () => {
    await fuzz('answers any bytes', conversations(publicCorpus), tell, async (sendings) => {
      const { urls } = await target.up();
      await expectSoundAnswers(urls.http, sendings);
      const greeting = await fetch(`${urls.http}/greet?name=Alice`);
      expect([greeting.status, await greeting.text()]).toEqual([200, 'Hello, Alice']);
    });
  });

  it('does the same on the admin port', async () => {
    await fuzz('does the same on the admin port', conversations(adminCorpus), tell, async (sendings) => {
      const { urls } = await target.up();
      await expectSoundAnswers(urls.admin, sendings);
      const plan = await fetch(`${urls.admin}/faults`, { method: 'DELETE' });
      expect([plan.status, await plan.json()]).toEqual([200, { delayMs: 0, errorRate: 0 }]);
    });
  });

  it('has released everything', () => target.expectAtRest(), 60_000);
});
