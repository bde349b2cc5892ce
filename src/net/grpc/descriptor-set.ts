import protobuf from 'protobufjs';

/** A proto file, as the compiler describes it. */
export interface ProtoFile {
  readonly name: string;
  /** The names of the files that it imports. */
  readonly imports: readonly string[];
  /** A serialized `google.protobuf.FileDescriptorProto`. */
  readonly descriptor: Uint8Array;
}

/** Look-ups in a `google.protobuf.FileDescriptorSet`, as server reflection needs them. Names are full names without a dot before them. */
export interface DescriptorSet {
  fileByName(name: string): ProtoFile | undefined;
  /** The file that declares a message, field, enum, enum value, service, method or extension. */
  fileOfSymbol(symbol: string): ProtoFile | undefined;
  fileOfExtension(type: string, number: number): ProtoFile | undefined;
  /** The numbers of all extensions of a type. `undefined` if there is no such type. */
  extensionNumbersOf(type: string): readonly number[] | undefined;
}

/** @throws {Error} if the bytes are not a descriptor set. */
export function readDescriptorSet(bytes: Uint8Array): DescriptorSet {
  const files = new Map<string, ProtoFile>();
  const symbols = new Map<string, ProtoFile>();
  const extensions = new Map<string, Map<number, ProtoFile>>();
  for (const descriptor of decode<{ file: Uint8Array[] }>('FileDescriptorSet', bytes).file) {
    const parsed = decode<FileDescriptor>('FileDescriptorProto', descriptor);
    const file = { name: parsed.name, imports: parsed.dependency, descriptor };
    files.set(file.name, file);
    for (const symbol of symbolsOf(parsed, parsed.package)) symbols.set(symbol, file);
    for (const { extendee, number } of extensionsOf(parsed)) {
      const type = extendee.replace(/^\./, '');
      extensions.set(type, (extensions.get(type) ?? new Map()).set(number, file));
    }
  }
  return {
    fileByName: (name) => files.get(name),
    fileOfSymbol: (symbol) => symbols.get(symbol),
    fileOfExtension: (type, number) => extensions.get(type)?.get(number),
    extensionNumbersOf(type) {
      const numbers = extensions.get(type)?.keys() ?? (symbols.has(type) ? [] : undefined);
      return numbers && [...numbers].sort((a, b) => a - b);
    },
  };
}

interface Named {
  readonly name: string;
}

interface FieldDescriptor extends Named {
  readonly extendee: string;
  readonly number: number;
}

interface EnumDescriptor extends Named {
  readonly value: readonly Named[];
}

/** The declarations that both a message and a file can have. */
interface Scope {
  readonly messages: readonly MessageDescriptor[];
  readonly enums: readonly EnumDescriptor[];
  readonly extension: readonly FieldDescriptor[];
}

interface MessageDescriptor extends Named, Scope {
  readonly field: readonly FieldDescriptor[];
  readonly oneofDecl: readonly Named[];
}

interface FileDescriptor extends Named, Scope {
  readonly package: string;
  readonly dependency: readonly string[];
  readonly service: readonly (Named & { readonly method: readonly Named[] })[];
}

function* symbolsOf(scope: Scope | FileDescriptor, prefix: string): Generator<string> {
  const within = (name: string) => (prefix === '' ? name : `${prefix}.${name}`);
  for (const message of scope.messages) {
    const name = within(message.name);
    yield name;
    for (const member of [...message.field, ...message.oneofDecl]) yield `${name}.${member.name}`;
    yield* symbolsOf(message, name);
  }
  for (const { name, value } of scope.enums) {
    yield within(name);
    // The values of an enum are its siblings.
    for (const member of value) yield within(member.name);
  }
  for (const { name } of scope.extension) yield within(name);
  if (!('service' in scope)) return;
  for (const { name, method } of scope.service) {
    yield within(name);
    for (const member of method) yield `${within(name)}.${member.name}`;
  }
}

function* extensionsOf(scope: Scope): Generator<FieldDescriptor> {
  yield* scope.extension;
  for (const message of scope.messages) yield* extensionsOf(message);
}

function decode<Message>(name: string, bytes: Uint8Array): Message {
  const type = root.lookupType(name);
  return type.toObject(type.decode(bytes), { defaults: true }) as Message;
}

// The parts of google/protobuf/descriptor.proto that are used here, by their field numbers.
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });
const named = { name: { type: 'string', id: 1 } };
const root = protobuf.Root.fromJSON({
  nested: {
    // Files stay bytes, so that they are sent as the compiler wrote them.
    FileDescriptorSet: { fields: { file: repeated('bytes', 1) } },
    FileDescriptorProto: {
      fields: {
        ...named,
        package: { type: 'string', id: 2 },
        dependency: repeated('string', 3),
        messages: repeated('DescriptorProto', 4),
        enums: repeated('EnumDescriptorProto', 5),
        service: repeated('ServiceDescriptorProto', 6),
        extension: repeated('FieldDescriptorProto', 7),
      },
    },
    DescriptorProto: {
      fields: {
        ...named,
        field: repeated('FieldDescriptorProto', 2),
        messages: repeated('DescriptorProto', 3),
        enums: repeated('EnumDescriptorProto', 4),
        extension: repeated('FieldDescriptorProto', 6),
        oneofDecl: repeated('Name', 8),
      },
    },
    FieldDescriptorProto: {
      fields: { ...named, extendee: { type: 'string', id: 2 }, number: { type: 'int32', id: 3 } },
    },
    EnumDescriptorProto: { fields: { ...named, value: repeated('Name', 2) } },
    ServiceDescriptorProto: { fields: { ...named, method: repeated('Name', 2) } },
    Name: { fields: named },
  },
});
