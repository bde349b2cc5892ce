import { constants, type ServerHttp2Stream } from 'node:http2';
import type { GreetErrorKind } from '../../src/client/exports.ts';
import { answers, answersHttp, begins, frame, type GrpcBehaviour, messageOf, refuses } from './stub-grpc.ts';

export interface GrpcMisbehaviour {
  readonly title: string;
  readonly behave: GrpcBehaviour;
  readonly kind: GreetErrorKind;
  readonly message: RegExp;
  /** How many calls arrive, if the client makes three attempts. */
  readonly tries: 1 | 3 | 4;
}

const none = Buffer.alloc(0);
const some = Buffer.from([0, 0, 0]);
const greeting = frame(messageOf('Hello, Alice'));
const reset = (code: number) => (stream: ServerHttp2Stream) => stream.close(code);
const goAway = (stream: ServerHttp2Stream) => stream.session?.goaway(constants.NGHTTP2_INTERNAL_ERROR);
const cut = (stream: ServerHttp2Stream) => stream.session?.destroy();
const status = (code: number | string, message = '') =>
  refuses({ 'grpc-status': String(code), ...(message && { 'grpc-message': message }) });

const once = (
  [
    ['HTML with 200', answersHttp(200), 'failed', /an answer of type text\/html, not gRPC/],
    [
      'JSON with 200',
      answersHttp(200, 'application/json', '{}'),
      'failed',
      /an answer of type application\/json, not gRPC/,
    ],
    ['204', answersHttp(204, '', ''), 'failed', /HTTP status code 204/],
    ['301', answersHttp(301), 'failed', /HTTP status code 301/],
    ['400', answersHttp(400), 'failed', /HTTP status code 400/],
    ['401', answersHttp(401), 'failed', /HTTP status code 401/],
    ['404', answersHttp(404), 'failed', /HTTP status code 404/],
    ['500', answersHttp(500), 'failed', /HTTP status code 500/],
    ['no trailers', begins(greeting, (stream) => stream.end()), 'failed', /without gRPC status/],
    ['no status in the trailers', answers(greeting, { a: 'b' }), 'failed', /\S/],
    ['a status that is not a number', status('abc'), 'failed', /\S/],
    ['a status that gRPC does not have', status(99, 'odd'), 'failed', /odd/],
    ['a status without a message', status(2), 'failed', /status UNKNOWN, without a message/],
    ['a status OK and nothing else', status(0), 'failed', /No message received/],
    ['no message', answers(none), 'failed', /No message received/],
    ['an empty message', answers(frame(none)), 'failed', /answered without a greeting/],
    ['an empty greeting', answers(frame(messageOf(''))), 'failed', /answered without a greeting/],
    ['a message of random bytes', answers(frame(Buffer.from([255, 255, 255]))), 'failed', /parsing error/],
    ['a greeting cut in the message', answers(frame(Buffer.from([10, 9, 65]))), 'failed', /parsing error/],
    ['a greeting that is not UTF-8', answers(frame(Buffer.from([10, 1, 255]))), 'failed', /UTF-8/],
    ['half a frame', answers(some), 'failed', /No message received/],
    ['a message that is too long', answers(frame(Buffer.alloc(70_000))), 'failed', /larger than max/],
    [
      'a length that is too long',
      begins(Buffer.from([0, 255, 255, 255, 255]), () => {}),
      'failed',
      /larger than max/,
    ],
    ['an unknown compression', answers(frame(some, 1), undefined, { 'grpc-encoding': 'x' }), 'failed', /\S/],
    [
      'broken compression',
      answers(frame(some, 1), undefined, { 'grpc-encoding': 'gzip' }),
      'failed',
      /decompress/,
    ],
    [
      'a reset for an internal error',
      begins(none, reset(constants.NGHTTP2_INTERNAL_ERROR)),
      'failed',
      /RST_STREAM/,
    ],
    [
      'INVALID_ARGUMENT with broken details',
      refuses({ 'grpc-status': '3', 'grpc-message': 'bad', 'grpc-status-details-bin': '/////w==' }),
      'invalid',
      /bad/,
    ],
    [
      'INVALID_ARGUMENT with details of another kind',
      refuses({
        'grpc-status': '3',
        'grpc-message': 'bad',
        'grpc-status-details-bin': 'CAMSA2JhZBoGCgR4L3kvEgA=',
      }),
      'invalid',
      /bad/,
    ],
    ['DEADLINE_EXCEEDED of the server', status(4, 'too slow'), 'timeout', /too slow/],
    ['NOT_FOUND', status(5, 'no'), 'refused', /no/],
    ['PERMISSION_DENIED', status(7, 'no'), 'refused', /no/],
    ['RESOURCE_EXHAUSTED', status(8, 'Too many.'), 'refused', /Too many\./],
    [
      'a reset with ENHANCE_YOUR_CALM',
      (stream) => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM),
      'refused',
      /exhausted/,
    ],
    ['UNIMPLEMENTED', status(12, 'no such method'), 'refused', /no such method/],
    ['INTERNAL', status(13, 'It failed.'), 'failed', /It failed\./],
    ['DATA_LOSS', status(15), 'failed', /DATA_LOSS/],
    ['UNAUTHENTICATED', status(16, 'who?'), 'refused', /who\?/],
  ] satisfies [string, GrpcBehaviour, GreetErrorKind, RegExp][]
).map(([title, behave, kind, message]) => ({ title, behave, kind, message, tries: 1 as const }));

const repeated = (
  [
    ['502', answersHttp(502), /HTTP status code 502/],
    ['503', answersHttp(503), /HTTP status code 503/],
    ['UNAVAILABLE', status(14, 'Overloaded.'), /Overloaded\./],
    ['CANCELLED of the server', status(1, 'going away'), /going away/],
    ['a reset before the headers', (stream) => stream.close(constants.NGHTTP2_CANCEL), /cancelled/],
    ['a refused stream', (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM), /refused/],
    ['GOAWAY with an error', goAway, /: Session closed with error code 2$/],
    ['headers, then GOAWAY with an error', begins(some, goAway), /: Session closed with error code 2$/],
    ['a connection cut before the headers', cut, /Connection dropped|ECONNRESET/],
    ['a connection cut after the headers', begins(none, cut), /Connection dropped|ECONNRESET/],
    ['a connection cut in the message', begins(some, cut), /Connection dropped|ECONNRESET/],
  ] satisfies [string, GrpcBehaviour, RegExp][]
).map(([title, behave, message]) => ({
  title,
  behave,
  kind: 'unavailable' as const,
  message,
  // grpc-js itself repeats once a call that the server has refused unread.
  tries: title === 'a refused stream' ? (4 as const) : (3 as const),
}));

export const grpcMisbehaviours: readonly GrpcMisbehaviour[] = [...once, ...repeated];

/** Responses that end with nothing more to read, so that only the timeout ends the call. */
export const grpcSilences: readonly [title: string, behave: GrpcBehaviour][] = [
  ['silence', () => {}],
  ['headers and nothing more', begins(none, () => {})],
  ['half a frame', begins(some, () => {})],
  ['half a message', begins(frame(messageOf('Hello, Alice')).subarray(0, 9), () => {})],
  ['a message without trailers', begins(frame(messageOf('Hello, Alice')), () => {})],
  ['two messages', answers(Buffer.concat([greeting, greeting]))],
  ['frames without an end', (stream) => flood(stream)],
  [
    'UNAVAILABLE with a retry delay of an hour',
    refuses({ 'grpc-status': '14', 'grpc-retry-pushback-ms': '3600000' }),
  ],
];

function flood(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  const more = () => {
    while (stream.writable && stream.write(greeting));
    stream.once('drain', more);
  };
  more();
}
