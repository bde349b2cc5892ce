import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/grpc.ts';
import { fuzz, literal } from '../support/fuzz.ts';
import { FuzzTarget } from '../support/fuzz-target.ts';
import {
  begin,
  callHeaders,
  data,
  flags,
  frame,
  header,
  hello,
  isHttp2Sound,
  message,
  preface,
  reset,
  settings,
  types,
} from '../support/http2-frames.ts';
import { mutated, type Sending, sendings } from '../support/mutation.ts';
import { sendInPiecesBriefly } from '../support/send-in-pieces.ts';

const paths = [
  '/greet.GreetService/Greet',
  '/greet.GreetService/Nope',
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/',
];
const bodies = [
  hello,
  message(Buffer.alloc(0)),
  message(hello, true),
  Buffer.from([0, 0xff, 0xff, 0xff, 0xff]),
  Buffer.from([0, 0, 0, 0, 9, 10, 200]),
  message(Buffer.from([10, 5, 0xff, 0xfe, 0xed, 0xa0, 0x80])),
  message(Buffer.from([0x0b, 0x0b, 0x0c, 0x1a, 3, 0x61, 0x62, 0x63])),
];
const more = [
  header('grpc-timeout', '1m'),
  header('grpc-timeout', '99999999H'),
  header('grpc-encoding', 'gzip'),
  header('grpc-encoding', 'deflate'),
  header('x-request-id', 'a-b'),
  header('noise-bin', '!!!=,,'),
  header('content-type', 'application/json'),
  header(':authority', ''),
  header('te', 'gzip'),
  header('connection', 'close'),
  header('Upper', 'a', { isIndexed: true }),
];
const stream = fc.oneof(fc.constantFrom(0, 1, 1, 1, 3, 5, 2, 0x7fffffff), fc.nat({ max: 40 }));
const block = fc
  .tuple(fc.constantFrom(...paths), fc.subarray(more, { maxLength: 3 }))
  .map(([path, headers]) => callHeaders(path, ...headers));
const payload = fc.oneof(
  block,
  fc.constantFrom(...bodies),
  fc.constantFrom(
    Buffer.alloc(0),
    Buffer.alloc(4),
    Buffer.from([0, 0, 0, 8]),
    Buffer.from([0x7f, 0xff, 0xff, 0xff]),
    Buffer.alloc(8),
  ),
  fc.uint8Array({ maxLength: 40 }).map(Buffer.from),
);

/** A frame whose type, flags and stream number are arbitrary. */
const anyFrame = fc
  .tuple(
    fc.oneof(fc.constantFrom(...Object.values(types)), fc.nat({ max: 12 })),
    fc.nat({ max: 255 }),
    stream,
    payload,
  )
  .map(([type, flag, number, bytes]) => frame(type, { flag, stream: number, payload: bytes }));

/** A call, complete or not. */
const call = fc
  .tuple(
    fc.nat({ max: 4 }),
    block,
    fc.constantFrom(...bodies),
    fc.constantFrom(0, flags.endStream),
    fc.boolean(),
  )
  .map(([index, headers, body, flag, isReset]) =>
    Buffer.concat([begin(index, headers), data(index, body, flag), ...(isReset ? [reset(index)] : [])]),
  );
const ordinary = [
  settings(1, 0),
  settings(4, 0),
  settings(5, 16_384),
  settings(0xffff, 0xffffffff),
  frame(types.settings, { flag: 1 }),
  frame(types.ping, { payload: Buffer.alloc(8) }),
  frame(types.windowUpdate, { payload: Buffer.from([0, 1, 0, 0]) }),
  frame(7, { payload: Buffer.alloc(8) }),
  Buffer.concat([
    begin(0, callHeaders().subarray(0, 20), 0),
    frame(types.continuation, { flag: 4, stream: 1, payload: callHeaders().subarray(20) }),
    data(0, hello, 1),
  ]),
  Buffer.concat([begin(0), data(0, hello, flags.endStream)]),
];
const sequence = fc
  .array(fc.oneof(fc.constantFrom(...ordinary), call, anyFrame), { minLength: 1, maxLength: 12 })
  .map((frames) => Buffer.concat([preface, settings(3, 100), ...frames]));
const whole = [
  Buffer.concat([preface, settings(3, 100), begin(0), data(0, hello, flags.endStream)]),
  ...ordinary,
];
const pieces = [
  preface,
  hello,
  callHeaders(),
  ...more,
  frame(types.settings),
  Buffer.from([0xff, 0xff, 0xff]),
];

const target = new FuzzTarget();
afterAll(() => target.dispose());

/** Checks that the response consists of frames (RFC 9113, section 4.1). The last one may be cut with the connection. */
function expectFrames(bytes: Buffer): void {
  for (let place = 0; place + 9 <= bytes.length; place += 9 + bytes.readUIntBE(place, 3)) {
    expect(bytes.readUIntBE(place, 3)).toBeLessThanOrEqual(16_384);
    expect(bytes.readUInt8(place + 3)).toBeLessThanOrEqual(10);
  }
}

describe.skipIf(!isHttp2Sound)('gRPC, frame by frame', () => {
  it('survives any frames, and greets the next client', async () => {
    const conversations = fc.array(
      sendings(
        fc.oneof(
          sequence,
          mutated(whole, pieces),
          sequence.chain((bytes) => mutated([bytes], pieces, { maxParts: 1 })),
        ),
      ),
      { minLength: 1, maxLength: 30 },
    );
    const tell = (sendings: readonly Sending[]) =>
      sendings.map(({ bytes, ...how }) => `${literal(bytes)}\n  ${JSON.stringify(how)}`).join('\n');
    await fuzz('survives any frames', conversations, tell, async (sendings) => {
      const { urls } = await target.up();
      for (const bytes of await Promise.all(
        sendings.map((sending) => sendInPiecesBriefly(`http://${urls.grpc}`, sending, 30)),
      ))
        expectFrames(bytes);
      await target.expectUnharmed();
      const client = createGrpcClient({ address: urls.grpc });
      expect(await client.greet('Alice').finally(() => client.close())).toEqual({ message: 'Hello, Alice' });
    });
  });

  it('has released everything', () => target.expectAtRest(), 60_000);
});
