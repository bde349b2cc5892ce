import {
  createFileRegistry,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  toBinary,
} from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FieldDescriptorProto_Type, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { type Codec, createCodec } from '../../../src/net/grpc/protobuf-codec.ts';
import { mutated } from '../../support/mutation.ts';
import { protobufBytes } from '../../support/protobuf-bytes.ts';

/** A message with fields of every kind, by their numbers. */
const kinds = {
  int32: 1,
  int64: 2,
  uint32: 3,
  uint64: 4,
  sint32: 5,
  sint64: 6,
  bool: 7,
  fixed32: 8,
  fixed64: 9,
  sfixed32: 10,
  sfixed64: 11,
  float: 12,
  double: 13,
  string: 14,
  bytes: 15,
} as const;
const repeated = { packed: ['int32', 21], fixed: ['fixed64', 22], names: ['string', 23] } as const;

/** The same message for both implementations. */
const ours = protobuf.Root.fromJSON({
  nested: {
    Everything: {
      oneofs: { choice: { oneof: ['left', 'right'] } },
      fields: {
        ...Object.fromEntries(Object.entries(kinds).map(([type, id]) => [`${type}_`, { type, id }])),
        ...Object.fromEntries(
          Object.entries(repeated).map(([name, [type, id]]) => [`${name}_`, { rule: 'repeated', type, id }]),
        ),
        colour_: { type: 'Colour', id: 16 },
        colours_: { rule: 'repeated', type: 'Colour', id: 24 },
        child_: { type: 'Everything', id: 17 },
        children_: { rule: 'repeated', type: 'Everything', id: 25 },
        map_: { keyType: 'string', type: 'Everything', id: 26 } as protobuf.IField,
        left: { type: 'string', id: 31 },
        right: { type: 'Everything', id: 32 },
      },
    },
    Colour: { values: { NONE: 0, RED: 1 } },
  },
}).lookupType('Everything');
const optional = (name: string, type: string, number: number) => ({
  name,
  number,
  label: 'LABEL_OPTIONAL',
  type: `TYPE_${type.toUpperCase()}`,
});
const everything = { typeName: '.Everything', type: 'TYPE_MESSAGE' };
const everythingFile = createFileRegistry(
  fromJson(FileDescriptorProtoSchema, {
    name: 'everything.proto',
    syntax: 'proto3',
    enumType: [
      {
        name: 'Colour',
        value: [
          { name: 'NONE', number: 0 },
          { name: 'RED', number: 1 },
        ],
      },
    ],
    messageType: [
      {
        name: 'Everything',
        oneofDecl: [{ name: 'choice' }],
        field: [
          ...Object.entries(kinds).map(([type, id]) => optional(`${type}_`, type, id)),
          ...Object.entries(repeated).map(([name, [type, id]]) => ({
            ...optional(`${name}_`, type, id),
            label: 'LABEL_REPEATED',
          })),
          { ...optional('colour_', 'enum', 16), typeName: '.Colour' },
          { ...optional('colours_', 'enum', 24), typeName: '.Colour', label: 'LABEL_REPEATED' },
          { ...optional('child_', 'message', 17), ...everything },
          { ...optional('children_', 'message', 25), ...everything, label: 'LABEL_REPEATED' },
          {
            ...optional('map_', 'message', 26),
            typeName: '.Everything.MapEntry',
            label: 'LABEL_REPEATED',
          },
          { ...optional('left', 'string', 31), oneofIndex: 0 },
          { ...optional('right', 'message', 32), ...everything, oneofIndex: 0 },
        ],
        nestedType: [
          {
            name: 'MapEntry',
            options: { mapEntry: true },
            field: [optional('key', 'string', 1), { ...optional('value', 'message', 2), ...everything }],
          },
        ],
      },
    ],
  }),
  () => undefined,
);
const theirs = everythingFile.getMessage('Everything') as DescMessage;
/** An entry of the map: a key, and a message. */
const mapEntry = {
  fields: [
    { number: 1, proto: { type: FieldDescriptorProto_Type.STRING } },
    { number: 2, proto: { type: FieldDescriptorProto_Type.MESSAGE }, message: theirs },
  ],
} as unknown as DescMessage;

const messages = protobufBytes([...Object.values(kinds), 16, 17, 21, 22, 23, 24, 25, 26, 31, 32]);

interface Outcome {
  readonly refusal?: string;
  /** What was understood, as the other implementation writes it. */
  readonly message?: Buffer;
}

function outcome(read: () => Uint8Array): Outcome {
  try {
    return { message: Buffer.from(read()) };
  } catch (error) {
    return { refusal: (error as Error).message };
  }
}

/** The wire types in which a field may come (https://protobuf.dev/programming-guides/encoding/#structure); others make it unknown. */
function wireTypesOf(field: DescField): readonly WireType[] {
  const { proto, listKind } = field as DescField & { listKind?: string };
  const type = wireTypes[proto.type] ?? WireType.Varint;
  return listKind !== undefined && type !== WireType.LengthDelimited
    ? [type, WireType.LengthDelimited]
    : [type];
}

const wireTypes: Partial<Record<FieldDescriptorProto_Type, WireType>> = {
  [FieldDescriptorProto_Type.DOUBLE]: WireType.Bit64,
  [FieldDescriptorProto_Type.FIXED64]: WireType.Bit64,
  [FieldDescriptorProto_Type.SFIXED64]: WireType.Bit64,
  [FieldDescriptorProto_Type.FLOAT]: WireType.Bit32,
  [FieldDescriptorProto_Type.FIXED32]: WireType.Bit32,
  [FieldDescriptorProto_Type.SFIXED32]: WireType.Bit32,
  [FieldDescriptorProto_Type.STRING]: WireType.LengthDelimited,
  [FieldDescriptorProto_Type.BYTES]: WireType.LengthDelimited,
  [FieldDescriptorProto_Type.MESSAGE]: WireType.LengthDelimited,
};

/** Refuses varints of more than ten bytes, which the other implementation skips. */
class StrictBinaryReader extends BinaryReader {
  override skip(
    wireType: WireType,
    ...rest: [fieldNumber?: number, recursionLimit?: number]
  ): Uint8Array<ArrayBuffer> {
    const skipped = super.skip(wireType, ...rest);
    if (wireType === WireType.Varint && skipped.length > 10)
      throw new Error('a varint of more than ten bytes');
    return skipped as Uint8Array<ArrayBuffer>;
  }
}

/**
 * The message without its unknown fields. The other implementation reads known fields in whatever wire type they come, and a message
 * beyond its end; neither is left for it here.
 */
function known(type: DescMessage, bytes: Uint8Array): Uint8Array {
  const reader = new StrictBinaryReader(bytes);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const start = reader.pos;
    const value = reader.skip(wireType, number);
    const field = type.fields.find((candidate) => candidate.number === number);
    if (field === undefined || !wireTypesOf(field).includes(wireType)) continue;
    writer.tag(number, wireType);
    const inner = field.fieldKind === 'map' ? mapEntry : field.message;
    if (inner === undefined) {
      if (wireType === WireType.LengthDelimited && field.fieldKind === 'list') expectWhole(field, value);
      writer.raw(value);
    } else {
      reader.pos = start;
      writer.bytes(known(inner, reader.bytes()));
    }
  }
  return writer.finish();
}

/** Throws if the last of the packed values is cut. */
function expectWhole(field: DescField, value: Uint8Array): void {
  const [wireType] = wireTypesOf(field);
  if (wireType === undefined || wireType === WireType.LengthDelimited) return;
  const reader = new StrictBinaryReader(new BinaryReader(value).bytes());
  while (reader.pos < reader.len) reader.skip(wireType);
}

const codec: Codec<object> = createCodec(ours);
const written = (bytes: Uint8Array) =>
  toBinary(theirs, fromBinary(theirs, bytes, { readUnknownFields: false }));
const readOurs = (bytes: Buffer) => outcome(() => written(codec.encode(codec.decode(bytes))));
const readTheirs = (bytes: Buffer) => outcome(() => written(known(theirs, bytes)));

function expectAgreement(bytes: Buffer): void {
  const expected = readTheirs(bytes);
  const actual = readOurs(bytes);
  if (expected.refusal === undefined) expect(actual).toEqual(expected);
  else expect(actual.refusal, `refused by the other: ${expected.refusal}`).toBeDefined();
}

describe('the codec, beside another implementation of protobuf', () => {
  it('understands the same of every message', () => {
    fc.assert(fc.property(messages, expectAgreement), { numRuns: 2_000 });
  });

  it('understands the same of mutated messages', () => {
    const corpus = fc.sample(messages, { numRuns: 40, seed: 1 });
    fc.assert(fc.property(mutated(corpus, corpus.slice(0, 10)), expectAgreement), { numRuns: 2_000 });
  });
});
