import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { fuzz, literal } from '../support/fuzz.ts';
import { FuzzTarget } from '../support/fuzz-target.ts';

const unary = ['/greet.GreetService/Greet', '/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/List'];
const streams = [
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
];
const paths = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...unary, ...streams) },
  { weight: 1, arbitrary: fc.string({ maxLength: 30 }).map((path) => `/${encodeURI(path.toWellFormed())}`) },
);

const names = [
  '',
  'Alice',
  '*',
  'constructor',
  '__proto__',
  'greet.GreetService',
  'greet.proto',
  'a\u0000b',
  ' ',
];
const varint = fc.constantFrom(
  [0],
  [1],
  [0x7f],
  [0xff, 1],
  Array<number>(9).fill(0xff).concat(1),
  Array<number>(12).fill(0xff),
);
const bytes = fc.uint8Array({ maxLength: 40 }).map((list) => [...list]);
const text = fc
  .oneof(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 120 }))
  .map((value) => [...Buffer.from(value)]);
/** A protobuf field of any number and wire type. Its length may be wrong. */
const field = fc
  .record({
    number: fc.oneof(fc.constantFrom(1, 3, 4, 5, 6, 7), fc.nat({ max: 31 })),
    kind: fc.oneof({ weight: 4, arbitrary: fc.constant(2) }, { weight: 1, arbitrary: fc.nat({ max: 7 }) }),
    value: fc.oneof(
      { weight: 4, arbitrary: text },
      { weight: 1, arbitrary: bytes },
      { weight: 1, arbitrary: varint },
    ),
    lie: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -5, max: 90 }) },
    ),
  })
  .map(({ number, kind, value, lie }) => {
    const length = Math.max(0, value.length + lie);
    const head = (number << 3) | kind;
    const tag = head < 128 ? [head] : [(head & 0x7f) | 0x80, head >> 7];
    return [...tag, ...(kind === 2 ? [(length & 0x7f) | 0x80, length >> 7] : []), ...value];
  });
const messages = fc.oneof(
  { weight: 4, arbitrary: fc.array(field, { maxLength: 3 }).map((fields) => Buffer.from(fields.flat())) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(Buffer.from) },
  { weight: 1, arbitrary: fc.nat({ max: 5_000 }).map((length) => Buffer.alloc(length, 0x0b)) },
);
const metadata = fc.array(
  fc.oneof(
    fc.record({
      key: fc.constantFrom(
        'x-request-id',
        'traceparent',
        'tracestate',
        'user-agent',
        'authorization',
        'a',
        'x-forwarded-for',
      ),
      value: fc.oneof(
        fc.constantFrom('', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),
        fc.string({ maxLength: 60 }).map((value) => value.replace(/[^ -~]/g, '?')),
      ),
    }),
    fc.record({
      key: fc.constantFrom('x-request-id-bin', 'grpc-status-details-bin', 'grpc-trace-bin', 'a-bin'),
      value: fc.uint8Array({ maxLength: 60 }).map(Buffer.from),
    }),
  ),
  { maxLength: 4 },
);

interface Call {
  readonly path: string;
  readonly message: Buffer;
  readonly metadata: readonly { readonly key: string; readonly value: string | Buffer }[];
}
const calls = fc.array(fc.record<Call>({ path: paths, message: messages, metadata }), {
  minLength: 1,
  maxLength: 60,
});
const tell = (tried: readonly Call[]) =>
  tried.map((call) => `${call.path} ${literal(call.message)} ${JSON.stringify(call.metadata)}`).join('\n');

/** The statuses for a bad message. Any other error status means that the service failed. */
const refusals = [status.INVALID_ARGUMENT, status.NOT_FOUND, status.UNIMPLEMENTED, status.RESOURCE_EXHAUSTED];
const asIs = (raw: Buffer) => raw;

function ask(
  client: Client,
  { path, message, metadata: pairs }: Call,
): Promise<{ code: status; answers: readonly Buffer[] }> {
  const sent = new Metadata();
  // The client must send these once: HTTP/2 does not allow them twice.
  for (const { key, value } of pairs) {
    if (key === 'authorization' || key === 'user-agent') sent.set(key, value);
    else sent.add(key, value);
  }
  const deadline = Date.now() + 15_000;
  return new Promise((resolve) => {
    const answers: Buffer[] = [];
    const call = client.makeBidiStreamRequest(path, asIs, asIs, sent, { deadline });
    call.on('data', (answer: Buffer) => answers.push(answer));
    // This is also emitted for a refusal; the status event has all that is needed.
    call.on('error', (_error: ServiceError) => {});
    call.on('status', ({ code }: { code: status }) => resolve({ code, answers }));
    call.write(message);
    call.end();
  });
}

/** Reads the code of `error_response` from the bytes of a reflection response. It is field 1 of field 7. */
function errorCodeOf(answer: Buffer): number | undefined {
  let place = 0;
  const next = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = answer.readUInt8(place);
      place += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (place < answer.length) {
    const tag = next();
    const length = next();
    if (tag === 58) return answer.readUInt8(place + 1);
    place += length;
  }
  return undefined;
}

const target = new FuzzTarget();
let client: { readonly address: string; readonly of: Client } | undefined;
afterAll(async () => {
  client?.of.close();
  await target.dispose();
});

describe('gRPC, message by message', () => {
  it('answers any message and metadata with a greeting or an error status', async () => {
    await fuzz('answers any message', calls, tell, async (tried) => {
      const { urls } = await target.up();
      if (client?.address !== urls.grpc) {
        client?.of.close();
        client = { address: urls.grpc, of: new Client(urls.grpc, credentials.createInsecure()) };
      }
      const { of } = client;
      const outcomes = await Promise.all(tried.map((call) => ask(of, call)));
      for (const [index, { code, answers }] of outcomes.entries()) {
        const { path } = tried[index] as Call;
        const isKnown = unary.includes(path) || streams.includes(path);
        expect([status.OK, ...refusals], `${path}: ${status[code]}`).toContain(code);
        if (isKnown) expect(code, path).not.toBe(status.UNIMPLEMENTED);
        else expect(code, path).toBe(status.UNIMPLEMENTED);
        if (!streams.includes(path)) continue;
        for (const answer of answers)
          expect([undefined, ...refusals], `${path}: ${answer.toString('latin1')}`).toContain(
            errorCodeOf(answer),
          );
      }
      await target.expectUnharmed();
    });
  });

  it('has released everything', async () => {
    client?.of.close();
    await target.expectAtRest();
  }, 60_000);
});
