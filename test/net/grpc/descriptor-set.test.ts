import { fromJson, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { readDescriptorSet } from '../../../src/net/grpc/descriptor-set.ts';

const field = (name: string, number: number, more: object = {}) => ({
  name,
  number,
  label: 'LABEL_OPTIONAL',
  type: 'TYPE_STRING',
  ...more,
});
const bytes = toBinary(
  FileDescriptorSetSchema,
  fromJson(FileDescriptorSetSchema, {
    file: [
      {
        name: 'base.proto',
        package: 'base',
        messageType: [{ name: 'Open', extensionRange: [{ start: 100, end: 200 }] }],
      },
      {
        name: 'more.proto',
        package: 'more.v1',
        dependency: ['base.proto'],
        extension: [
          field('late', 150, { extendee: '.base.Open' }),
          field('early', 101, { extendee: '.base.Open' }),
        ],
        messageType: [
          { name: 'Holder', extension: [field('inner', 120, { extendee: '.base.Open' })] },
          { name: 'Deep', nestedType: [{ name: 'Deeper', field: [field('bottom', 1)] }] },
        ],
      },
      {
        name: 'bare.proto',
        messageType: [{ name: 'Bare' }],
        enumType: [{ name: 'E', value: [{ name: 'NIL', number: 0 }] }],
      },
    ],
  }),
);

describe('readDescriptorSet', () => {
  const set = readDescriptorSet(bytes);

  it.each([
    ['base.Open', 'base.proto'],
    ['more.v1.late', 'more.proto'],
    ['more.v1.Holder.inner', 'more.proto'],
    ['more.v1.Deep.Deeper.bottom', 'more.proto'],
    ['Bare', 'bare.proto'],
    ['NIL', 'bare.proto'],
  ])('finds %s in %s', (symbol, file) => {
    expect(set.fileOfSymbol(symbol)?.name).toBe(file);
  });

  it.each(['more', 'more.v1', 'E.NIL', 'Deep', '', 'constructor'])('finds no symbol "%s"', (symbol) => {
    expect(set.fileOfSymbol(symbol)).toBeUndefined();
  });

  it('finds extensions by the type that they extend', () => {
    expect(set.extensionNumbersOf('base.Open')).toEqual([101, 120, 150]);
    expect(set.extensionNumbersOf('more.v1.Deep')).toEqual([]);
    expect(set.extensionNumbersOf('base.Nobody')).toBeUndefined();
    expect(set.fileOfExtension('base.Open', 120)?.name).toBe('more.proto');
    expect(set.fileOfExtension('base.Open', 121)).toBeUndefined();
    expect(set.fileOfExtension('constructor', 1)).toBeUndefined();
  });

  it('finds the imports of a file', () => {
    expect(set.fileByName('more.proto')?.imports).toEqual(['base.proto']);
    expect(set.fileByName('more')).toBeUndefined();
  });

  it('throws for bytes that are not a descriptor set', () => {
    expect(() => readDescriptorSet(Buffer.from('0affffff', 'hex'))).toThrow();
  });
});
