import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { GreetErrorKind } from '../../src/client/http.ts';
import { answers, answersJson, type Behaviour, writes } from './stub-http.ts';

export interface HttpMisbehaviour {
  readonly title: string;
  readonly behave: Behaviour;
  readonly kind: GreetErrorKind;
  readonly message: RegExp;
  /** How many requests arrive, if the client makes three attempts. */
  readonly tries: 1 | 3;
}

const html = { 'content-type': 'text/html; charset=utf-8' };
const json = { 'content-type': 'application/json' };
const problem = { 'content-type': 'application/problem+json' };
const ok = 'HTTP/1.1 200 OK\r\n';

/** Complete responses that differ from those of the service. */
const notOurs: HttpMisbehaviour[] = (
  [
    [
      '200 with HTML',
      answers(200, html, '<h1>Welcome</h1>'),
      'failed',
      /answered 200 \(text\/html; charset=utf-8\)/,
    ],
    [
      '200 with a greeting as text',
      answers(200, { 'content-type': 'text/plain' }, 'Hello, Alice'),
      'failed',
      /text\/plain/,
    ],
    ['200 with JSON of the type of HTML', answers(200, html, '{"message":"Hello"}'), 'failed', /text\/html/],
    [
      '200 with a content type that only begins like JSON',
      answers(200, { 'content-type': 'application/jsonx' }, '{"message":"Hello"}'),
      'failed',
      /jsonx/,
    ],
    ['200 without a type', answers(200, {}, '{"message":"Hello"}'), 'failed', /answered 200 \(no type\)/],
    ['200 without a body', answers(200, json), 'failed', /answered 200 \(application\/json\), unlike greet/],
    ['200 with broken JSON', answers(200, json, '{"message":"Hel'), 'failed', /answered 200/],
    [
      '200 with bytes that are not UTF-8',
      answers(200, json, Buffer.from('{"message":"Hello, \xff"}', 'latin1')),
      'failed',
      /answered 200/,
    ],
    [
      '200 with UTF-8 cut in a character',
      answers(200, json, Buffer.from('{"message":"Hello, \xc3"}', 'latin1')),
      'failed',
      /answered 200/,
    ],
    [
      '200 with something after the JSON',
      answers(200, json, '{"message":"Hello"}x'),
      'failed',
      /answered 200/,
    ],
    ['200 with null', answersJson(null), 'failed', /answered 200/],
    ['200 with a list', answersJson([{ message: 'Hello' }]), 'failed', /answered 200/],
    ['200 with a string', answersJson('Hello, Alice'), 'failed', /answered 200/],
    ['200 with a number', answersJson(42), 'failed', /answered 200/],
    ['200 with an empty object', answersJson({}), 'failed', /answered 200/],
    ['200 with a message that is a number', answersJson({ message: 42 }), 'failed', /answered 200/],
    ['200 with a message that is null', answersJson({ message: null }), 'failed', /answered 200/],
    ['200 with an empty message', answersJson({ message: '' }), 'failed', /answered 200/],
    ['200 with a problem', answers(200, problem, '{"detail":"no"}'), 'failed', /^no$/],
    ['201', answersJson({ message: 'Hello' }, 201), 'failed', /answered 201/],
    ['204', writes('HTTP/1.1 204 No Content\r\n\r\n'), 'failed', /answered 204/],
    ['205', writes('HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n'), 'failed', /answered 205/],
    ['206', answersJson({ message: 'Hello' }, 206), 'failed', /answered 206/],
    ['304', writes('HTTP/1.1 304 Not Modified\r\n\r\n'), 'failed', /answered 304/],
    ['300 without a location', answers(300), 'failed', /answered 300/],
    [
      '301',
      answers(301, { location: 'https://elsewhere.example/greet' }),
      'failed',
      /answered 301 \(https:\/\/elsewhere\.example\/greet\)/,
    ],
    ['a redirect to itself', answers(302, { location: '/greet' }), 'failed', /answered 302/],
    ['307', answers(307, { location: 'http://127.0.0.1:1/' }), 'failed', /answered 307/],
    [
      '400 with HTML',
      answers(400, html, 'The plain HTTP request was sent to HTTPS port'),
      'invalid',
      /answered 400 \(text\/html/,
    ],
    ['401', answers(401, { 'www-authenticate': 'Basic' }), 'refused', /answered 401/],
    ['403 with HTML', answers(403, html, 'Forbidden'), 'refused', /answered 403/],
    ['404 with HTML', answers(404, html, 'Not Found'), 'refused', /answered 404/],
    [
      '429 with Retry-After',
      answers(429, { ...problem, 'retry-after': '1' }, '{"detail":"Too many."}'),
      'refused',
      /^Too many\.$/,
    ],
    ['500 without a body', answers(500), 'failed', /answered 500 \(no type\), unlike greet/],
    ['500 with a problem', answers(500, problem, '{"detail":"It failed."}'), 'failed', /^It failed\.$/],
    ['504 with HTML', answers(504, html, 'Gateway Timeout'), 'timeout', /answered 504/],
    ['599', answers(599), 'failed', /answered 599/],
    ['a problem with broken JSON', answers(400, problem, '{"detail":"name is'), 'invalid', /answered 400/],
    ['a problem without a body', answers(400, problem), 'invalid', /answered 400/],
    ['a problem that is a list', answers(400, problem, '[]'), 'invalid', /answered 400/],
    [
      'a problem without a detail',
      answers(400, problem, '{"title":"Bad Request"}'),
      'invalid',
      /answered 400/,
    ],
    [
      'a problem whose detail is an object',
      answers(400, problem, '{"detail":{"a":1}}'),
      'invalid',
      /answered 400/,
    ],
    [
      'a problem in JSON of another type',
      answers(400, json, '{"detail":"name is bad"}'),
      'invalid',
      /^name is bad$/,
    ],
    ['an endless body', endless, 'failed', /answered 200/],
    [
      'a body that is huge once decompressed',
      answers(
        200,
        { ...json, 'content-encoding': 'gzip' },
        gzipSync(`{"message":"${'a'.repeat(50_000_000)}"}`),
      ),
      'failed',
      /answered 200/,
    ],
  ] as const
).map(([title, behave, kind, message]) => ({ title, behave, kind, message, tries: 1 }));

/** Incomplete or temporary responses, after which the client retries. */
const broken: HttpMisbehaviour[] = (
  [
    ['502 with HTML', answers(502, html, 'Bad Gateway'), /answered 502 \(text\/html/],
    ['503 with HTML', answers(503, html, 'Service Unavailable'), /answered 503/],
    ['503 with a problem', answers(503, problem, '{"detail":"Overloaded."}'), /^Overloaded\.$/],
    ['503 with a Retry-After that is not valid', answers(503, { 'retry-after': 'soon' }), /answered 503/],
    [
      '503 with Retry-After in the past',
      answers(503, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
      /answered 503/,
    ],
    ['a closed connection', (socket: Socket) => socket.end(), /cannot be reached/],
    ['a reset connection', (socket: Socket) => socket.resetAndDestroy(), /cannot be reached/],
    ['garbage', writes('\x00\x01\x02 garbage garbage garbage\r\n\r\n'), /cannot be reached/],
    ['HTTP/2 frames', writes(Buffer.from('000000040000000000', 'hex')), /cannot be reached/],
    ['half a status line', writes('HTTP/1.1 20'), /cannot be reached/],
    ['half the headers', writes(`${ok}content-type: appl`), /cannot be reached/],
    [
      'a switch to another protocol',
      writes('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
      /cannot be reached/,
    ],
    [
      'a switch to a protocol without a name',
      writes('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
      /cannot be reached/,
    ],
    ['a header without a colon', writes(`${ok}bad\r\n\r\n`), /cannot be reached/],
    ['headers of a megabyte', writes(`${ok}x: ${'a'.repeat(1_000_000)}\r\n\r\n`), /cannot be reached/],
    [
      'two different lengths',
      writes(`${ok}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`),
      /cannot be reached/,
    ],
    [
      'a body cut after the headers',
      writes(`${ok}content-type: application/json\r\ncontent-length: 20\r\n\r\n`),
      /broke off/,
    ],
    [
      'a body cut in the middle',
      writes(`${ok}content-type: application/json\r\ncontent-length: 20\r\n\r\n{"mess`),
      /broke off/,
    ],
    [
      'a body cut by a reset',
      writes(`${ok}content-type: application/json\r\ncontent-length: 20\r\n\r\n{"mess`, 'reset'),
      /broke off|cannot be reached/,
    ],
    [
      'chunks cut in the middle',
      writes(`${ok}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n14\r\n{"mess`),
      /broke off/,
    ],
    [
      'chunks without an end',
      writes(`${ok}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n6\r\n{"mess\r\n`),
      /broke off/,
    ],
    [
      'a chunk of a broken size',
      writes(`${ok}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}`),
      /broke off|cannot be reached/,
    ],
    [
      'a problem cut in the middle',
      writes('HTTP/1.1 400 Bad\r\ncontent-type: application/problem+json\r\ncontent-length: 99\r\n\r\n{"det'),
      /broke off/,
    ],
  ] as const
).map(([title, behave, message]) => ({ title, behave, kind: 'unavailable', message, tries: 3 }));

/** Responses that stop in the middle, so that only the timeout ends the call. */
export const httpSilences: readonly [title: string, behave: Behaviour][] = [
  ['silence', () => {}],
  [
    'headers without a body',
    writes(`${ok}content-type: application/json\r\ncontent-length: 20\r\n\r\n`, 'hold'),
  ],
  ['half a body', writes(`${ok}content-type: application/json\r\ncontent-length: 20\r\n\r\n{"mess`, 'hold')],
  ['a slow body', slow],
  [
    'half a problem',
    writes(
      'HTTP/1.1 400 Bad\r\ncontent-type: application/problem+json\r\ncontent-length: 99\r\n\r\n{"det',
      'hold',
    ),
  ],
  ['103 Early Hints and nothing more', writes('HTTP/1.1 103 Early Hints\r\n\r\n', 'hold')],
];

export const httpMisbehaviours: readonly HttpMisbehaviour[] = [...notOurs, ...broken];

/** JSON that does not end while the client reads. */
function endless(socket: Socket): void {
  socket.write(`${ok}content-type: application/json\r\n\r\n{"message":"`);
  const piece = 'a'.repeat(65_536);
  const more = () => {
    while (socket.writable && socket.write(piece));
    socket.once('drain', more);
  };
  more();
}

/** Sends a byte from time to time, so that a limit on silence would not end the call. */
function slow(socket: Socket): void {
  socket.write(`${ok}content-type: application/json\r\ncontent-length: 100000\r\n\r\n{"message":"`);
  const timer = setInterval(() => socket.write('a'), 5);
  socket.once('close', () => clearInterval(timer));
}
