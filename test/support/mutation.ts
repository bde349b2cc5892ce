import fc from 'fast-check';

/** One change to a sequence of bytes. Positions are taken modulo its length, so that any number is valid. */
type Edit =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: 'move'; readonly at: number; readonly length: number; readonly to: number }
  | { readonly kind: 'number'; readonly at: number; readonly digits: string };

const at = fc.nat({ max: 20_000 });
const length = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 200 }));

/** @param pieces byte sequences with a meaning in the protocol, which are inserted. */
function edits(pieces: readonly Buffer[]): fc.Arbitrary<readonly Edit[]> {
  const bytes = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }).map(Buffer.from) },
  );
  const digits = fc.constantFrom(
    '0',
    '-1',
    '+5',
    '0x10',
    '1e3',
    '00',
    '65536',
    '4294967296',
    '18446744073709551616',
    '9'.repeat(30),
  );
  const edit = fc.oneof<fc.Arbitrary<Edit>[]>(
    fc.record({ kind: fc.constant('flip'), at, bit: fc.nat({ max: 7 }) }),
    fc.record({ kind: fc.constant('set'), at, byte: fc.nat({ max: 255 }) }),
    fc.record({ kind: fc.constant('cut'), at, length }),
    fc.record({ kind: fc.constant('truncate'), at }),
    fc.record({ kind: fc.constant('insert'), at, bytes }),
    fc.record({
      kind: fc.constant('repeat'),
      at,
      length,
      times: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 600 })),
    }),
    fc.record({ kind: fc.constant('move'), at, length, to: at }),
    fc.record({ kind: fc.constant('number'), at, digits }),
  );
  return fc.array(edit, { maxLength: 6 });
}

function apply(bytes: Buffer, edit: Edit): Buffer {
  const place = edit.at % (bytes.length + 1);
  const before = bytes.subarray(0, place);
  const after = bytes.subarray(place);
  switch (edit.kind) {
    case 'flip':
    case 'set': {
      const [byte] = after;
      if (byte === undefined) return bytes;
      const other = edit.kind === 'flip' ? byte ^ (1 << edit.bit) : edit.byte;
      return Buffer.concat([before, Buffer.from([other]), after.subarray(1)]);
    }
    case 'cut':
      return Buffer.concat([before, after.subarray(edit.length)]);
    case 'truncate':
      return before;
    case 'insert':
      return Buffer.concat([before, edit.bytes, after]);
    case 'repeat': {
      const piece = after.subarray(0, edit.length);
      return Buffer.concat([before, ...Array<Buffer>(edit.times).fill(piece), after]);
    }
    case 'move': {
      const rest = Buffer.concat([before, after.subarray(edit.length)]);
      const to = edit.to % (rest.length + 1);
      return Buffer.concat([rest.subarray(0, to), after.subarray(0, edit.length), rest.subarray(to)]);
    }
    case 'number': {
      // Replaces the next number after the position.
      const text = after.toString('latin1').replace(/\d+/, edit.digits);
      return Buffer.concat([before, Buffer.from(text, 'latin1')]);
    }
  }
}

/** Well-formed messages in sequence, with random changes. */
export function mutated(
  corpus: readonly Buffer[],
  pieces: readonly Buffer[],
  { maxParts = 4 } = {},
): fc.Arbitrary<Buffer> {
  const parts = fc.array(fc.constantFrom(...corpus), { minLength: 1, maxLength: maxParts });
  return fc
    .tuple(parts, edits(pieces))
    .map(([chosen, changes]) => changes.reduce(apply, Buffer.concat(chosen)));
}

/** How bytes are sent: in pieces, with a pause in milliseconds between them. `end` says how the connection is closed. */
export interface Sending {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  readonly pauseMs: number;
  readonly end: 'finish' | 'reset';
}

export function sendings(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Sending> {
  return fc.record({
    bytes,
    cuts: fc.oneof(
      { weight: 2, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(at, { maxLength: 5 }) },
    ),
    pauseMs: fc.constantFrom(0, 0, 1, 5),
    end: fc.oneof(
      { weight: 7, arbitrary: fc.constant<Sending['end']>('finish') },
      { weight: 1, arbitrary: fc.constant<Sending['end']>('reset') },
    ),
  });
}

export function piecesOf({ bytes, cuts }: Sending): readonly Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
}
