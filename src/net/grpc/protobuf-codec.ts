import protobuf from 'protobufjs';

/** The reader of protobufjs, except that it checks the length of varints. */
class StrictReader extends protobuf.BufferReader {
  // Unknown fields are dropped, because no message is forwarded.
  override discardUnknown = true;

  /** Accepts a length that has more bytes than it needs. protobufjs accepts five at most. */
  override size(): number {
    const first = this.pos < this.len ? (this.buf[this.pos] as number) : 128;
    if (first >= 128) return this.paddedSize();
    this.pos += 1;
    return first;
  }

  private paddedSize(): number {
    let size = 0;
    for (let shift = 0; shift < 7 * maxVarintBytes && this.pos < this.len; shift += 7) {
      const byte = this.buf[this.pos] as number;
      this.pos += 1;
      size += (byte & 127) * 2 ** shift;
      if (byte < 128) return size;
    }
    throw new RangeError('invalid length encoding');
  }

  /** Refuses a varint of more than ten bytes. In an unknown field protobufjs accepts any number of them. */
  override skip(length?: number): this {
    if (length !== undefined) return super.skip(length) as this;
    const end = this.pos + maxVarintBytes;
    super.skip();
    if (this.pos > end) throw new RangeError('invalid varint encoding');
    return this;
  }
}

/** The 64 bits of the largest number, seven in a byte (https://protobuf.dev/programming-guides/encoding/#varints). */
const maxVarintBytes = 10;

/** @throws {Error} with a message for the client that says what is wrong with the bytes. */
function decode(type: protobuf.Type, bytes: Buffer): protobuf.Message {
  try {
    return type.decode(new StrictReader(bytes));
  } catch (error) {
    throw new Error(describe(error, type), { cause: error });
  }
}

/** The parser's own messages are of no use to a client. */
function describe(error: unknown, type: protobuf.Type): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'a string is not valid UTF-8';
  if (message === 'max depth exceeded') return 'its fields are nested too deeply';
  return `its bytes are not a ${type.fullName.slice(1)} in the protobuf encoding`;
}

/** Messages of one type as bytes. `decode` throws if the bytes are not such a message. */
export interface Codec<Message> {
  encode(message: Message): Buffer;
  decode(bytes: Buffer): Message;
}

export function createCodec<Message extends object>(type: protobuf.Type): Codec<Message> {
  return {
    encode: (message) => type.encode(message).finish() as Buffer,
    decode: (bytes) => decode(type, bytes) as unknown as Message,
  };
}

/** The same for plain objects: enum values are names, and every field is there except those of a oneof that are not set. */
export function createObjectCodec<Message extends object>(type: protobuf.Type): Codec<Message> {
  return {
    encode: (message) => type.encode(type.fromObject(message)).finish() as Buffer,
    decode: (bytes) => type.toObject(decode(type, bytes), { enums: String, defaults: true }) as Message,
  };
}

interface MethodShape<Request, Response> {
  readonly path: string;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
}

/** A method in the form that grpc-js expects. */
export function methodDefinition<Request, Response>({
  path,
  request,
  response,
  requestStream = false,
  responseStream = false,
}: MethodShape<Request, Response>) {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: request.encode,
    requestDeserialize: request.decode,
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  };
}
