import fc from 'fast-check';

/** A number as a varint, with `padding` unnecessary bytes. */
const varint = (value: bigint, padding = 0): number[] => {
  const bytes: number[] = [];
  for (let rest = value; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  const last = Number(value >> BigInt(7 * bytes.length));
  return padding === 0
    ? [...bytes, last]
    : [...bytes, last | 128, ...Array<number>(padding - 1).fill(128), 0];
};
const integers = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 127n, 128n, 2n ** 31n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const paddings = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat({ max: 12 }) },
);
const raw = fc.uint8Array({ maxLength: 12 }).map((bytes) => [...bytes]);
/**
 * Bytes in the protobuf encoding, with fields of any number and wire type. Most do not match the message type, and some are not valid
 * protobuf.
 *
 * @param known the field numbers that are used most.
 * @param isPlain leaves out forms that implementations treat differently: tags and lengths with unnecessary bytes, and the field number 0.
 */
export function protobufBytes(known: readonly number[], { isPlain = false } = {}): fc.Arbitrary<Buffer> {
  const numbers = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...known) },
    { weight: 1, arbitrary: fc.constantFrom(33, 2_047, 2_048, 536_870_911, ...(isPlain ? [] : [0])) },
  );
  const paddingsBelow = (limit: number) =>
    isPlain ? fc.constant(0) : paddings.filter((padding) => padding < limit);
  const { message } = fc.letrec<{ message: number[]; field: number[] }>((tie) => ({
    message: fc.array(tie('field'), { maxLength: 4 }).map((list) => list.flat()),
    field: fc
      .tuple(
        numbers,
        paddingsBelow(4),
        fc.oneof(
          fc.tuple(integers, paddings).map(([value, padding]) => ({ type: 0, body: varint(value, padding) })),
          fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => ({ type: 1, body: [...bytes] })),
          fc
            .tuple(
              fc.oneof(
                raw,
                fc.string({ unit: 'binary', maxLength: 80 }).map((text) => [...Buffer.from(text)]),
                tie('message'),
                fc.array(integers, { maxLength: 4 }).map((list) => list.flatMap((value) => varint(value))),
              ),
              paddingsBelow(8),
            )
            .map(([bytes, padding]) => ({
              type: 2,
              body: [...varint(BigInt(bytes.length), padding), ...bytes],
            })),
          tie('message').map((body) => ({ type: 3, body })),
          fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ({ type: 5, body: [...bytes] })),
          fc.constantFrom(4, 6, 7).map((type) => ({ type, body: [] })),
        ),
      )
      .map(([number, padding, { type, body }]) => {
        const tag = (kind: number) => varint((BigInt(number) << 3n) | BigInt(kind), padding);
        return [...tag(type), ...body, ...(type === 3 ? tag(4) : [])];
      }),
  }));
  return message.map((bytes) => Buffer.from(bytes));
}
