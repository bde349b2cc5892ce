import { isUtf8 } from 'node:buffer';
import protobuf from 'protobufjs';
import { orMalformed } from '../grpc/malformed.ts';
import { protoFile } from '../shipped-files.ts';

export const greetServiceName = 'greet.GreetService';

export interface GreetingRequestMessage {
  readonly message: string;
}

export interface GreetingResponseMessage {
  readonly message: string;
}

/** Refuses what protobufjs would repair: invalid UTF-8, which it replaces, and strings cut short, which it takes as they are. */
export class StrictReader extends protobuf.BufferReader {
  override string(): string {
    const bytes = this.bytes();
    if (!isUtf8(bytes)) throw new Error('a string is not valid UTF-8');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  }
}

const types = protobuf.loadSync(protoFile);

function codec<Message extends object>(name: string) {
  const type = types.lookupType(name);
  return {
    encode: (message: Message) => type.encode(message).finish() as Buffer,
    decode: (bytes: Buffer) => type.decode(new StrictReader(bytes)) as unknown as Message,
  };
}

const request = codec<GreetingRequestMessage>('greet.GreetingRequest');
const response = codec<GreetingResponseMessage>('greet.GreetingResponse');

/** `greet.GreetService` for clients and servers. */
export const greetService = {
  Greet: {
    path: `/${greetServiceName}/Greet`,
    requestStream: false,
    responseStream: false,
    requestSerialize: request.encode,
    requestDeserialize: orMalformed(request.decode),
    responseSerialize: response.encode,
    responseDeserialize: response.decode,
  },
} as const;
