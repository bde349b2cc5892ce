import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs';

/** Refuses what protobufjs would repair: invalid UTF-8, which it replaces, and truncated strings, which it takes as they are. */
class StrictReader extends protobuf.BufferReader {
  override string(): string {
    const bytes = this.bytes();
    if (!isUtf8(bytes)) throw new Error('a string is not valid UTF-8');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }
}

/** Messages of one type as bytes. `decode` throws if the bytes are not such a message. */
export interface Codec<Message> {
  encode(message: Message): Buffer;
  decode(bytes: Buffer): Message;
}

export function createCodec<Message extends object>(type: protobuf.Type): Codec<Message> {
  return {
    encode: (message) => type.encode(message).finish() as Buffer,
    decode: (bytes) => type.decode(new StrictReader(bytes)) as unknown as Message,
  };
}

/** The same for messages as plain objects with all their fields, and enum values by name. */
export function createObjectCodec<Message extends object>(typeOf: () => protobuf.Type): Codec<Message> {
  return {
    encode(message) {
      const type = typeOf();
      return type.encode(type.fromObject(message)).finish() as Buffer;
    },
    decode(bytes) {
      const type = typeOf();
      return type.toObject(type.decode(new StrictReader(bytes)), {
        enums: String,
        defaults: true,
      }) as Message;
    },
  };
}

interface MethodShape<Request, Response> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  readonly responseStream?: boolean;
}

/** A method as grpc-js wants it. Its requests are not streamed. */
export function methodDefinition<Request, Response>({
  path,
  request,
  response,
  responseStream = false,
}: MethodShape<Request, Response>) {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  } as const;
}
