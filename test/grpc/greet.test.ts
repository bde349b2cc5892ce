import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { readViolations } from '../../src/net/grpc/rich-status.ts';
import { cases } from '../cases.ts';
import { startTestService, type TestService } from '../support/service.ts';

interface Answer {
  readonly error?: ServiceError;
  readonly message?: string;
  readonly requestId?: string | undefined;
}

describe('greet.GreetService/Greet', () => {
  let service: TestService;
  let client: Client;
  beforeAll(async () => {
    service = await startTestService();
    client = new Client(service.urls.grpc, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await service.drain();
  });

  const { path, requestSerialize, responseDeserialize } = greetService.Greet;
  const plain = (name: string) => requestSerialize({ message: name });
  /** Sends bytes as they are. */
  const send = (bytes: Buffer, metadata = new Metadata(), to = path as string): Promise<Answer> =>
    new Promise((resolve) => {
      let requestId: string | undefined;
      client
        .makeUnaryRequest(
          to,
          (raw: Buffer) => raw,
          responseDeserialize,
          bytes,
          metadata,
          (error, response) => {
            const refusedId = error?.metadata.get('x-request-id')[0]?.toString();
            resolve(
              error ? { error, requestId: refusedId } : { message: response?.message ?? '', requestId },
            );
          },
        )
        .on('metadata', (headers) => {
          requestId = headers.get('x-request-id')[0]?.toString();
        });
    });
  const expectGreeting = async () => expect((await send(plain('Alice'))).message).toBe('Hello, Alice');

  it.each(cases)('answers $title', async ({ name, greeting, faults }) => {
    const { error, message } = await send(plain(name));
    expect(message).toBe(greeting);
    if (faults === undefined) return;
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: faults.map((fault) => `name ${fault}`).join('; '),
    });
    expect(readViolations(error as ServiceError)).toEqual(
      faults.map((detail) => ({ field: 'message', detail })),
    );
  });

  const notUtf8 = 'a string is not valid UTF-8';
  const notProtobuf = 'its bytes are not a greet.GreetingRequest in the protobuf encoding';
  const tooDeep = 'its fields are nested too deeply';
  it.each([
    ['invalid UTF-8', '0a03e0a441', notUtf8],
    ['a UTF-8 surrogate', '0a03eda080', notUtf8],
    ['an overlong encoding', '0a02c080', notUtf8],
    ['a long string that is not UTF-8', `0a46${'41'.repeat(69)}ff`, notUtf8],
    ['a string cut short', '0a05416c', notProtobuf],
    ['a length without a string', '0a', notProtobuf],
    ['a length of 4 GB', '0affffffff0f41', notProtobuf],
    ['a group without an end', '0b', notProtobuf],
    ['a group with the end of another', '0b14', notProtobuf],
    ['an end of a group alone', '0c', notProtobuf],
    ['a field number of zero', '0000', notProtobuf],
    ['a wire type that there is not', '0f', notProtobuf],
    ['a varint tag and a string', '0803414243', notProtobuf],
    ['a varint of eleven bytes', '10ffffffffffffffffffff01', notProtobuf],
    ['noise', 'ffffffffffffffffffffff', notProtobuf],
    ['2,000 groups in each other', '0b'.repeat(2_000), tooDeep],
  ])('refuses %s, and repairs nothing', async (_title, hex, reason) => {
    expect((await send(Buffer.from(hex, 'hex'))).error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: `The message cannot be read: ${reason}.`,
    });
    await expectGreeting();
  });

  it.each([
    ['a varint in a field that it does not know', '1096010a0141', 'A'],
    ['its own field as a varint', '0896010a0141', 'A'],
    ['its own field as a varint, behind the name', '0a0141089601', 'A'],
    ['its own field in 32 and in 64 bits', '0d0102030409010203040506070a0a0141', 'A'],
    ['its own field as a group', '0b0a01420c0a0141', 'A'],
    ['a length in more bytes than it needs', '0a818080800041', 'A'],
    ['a length of ten bytes', '0a8180808080808080800041', 'A'],
    ['the name three times', '0a01420a01430a0141', 'A'],
    ['the greatest field number', 'faffffff0f01410a0141', 'A'],
  ])('skips and takes as the protobuf encoding says: %s', async (_title, hex, name) => {
    expect((await send(Buffer.from(hex, 'hex'))).message).toBe(`Hello, ${name}`);
  });

  it('ignores fields that it does not know, and takes the last of a repeated one, as proto3 says', async () => {
    expect(
      (await send(Buffer.concat([Buffer.from('1207756e6b6e6f776e', 'hex'), plain('Alice')]))).message,
    ).toBe('Hello, Alice');
    expect((await send(Buffer.concat([plain('Bob'), plain('Alice')]))).message).toBe('Hello, Alice');
  });

  it('takes over x-request-id, sends it back and logs under it', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', 'from-the-caller');
    expect((await send(plain('Alice'), metadata)).requestId).toBe('from-the-caller');
    const line = service.lines.find(({ requestId }) => requestId === 'from-the-caller');
    expect(line).toEqual({
      level: 'info',
      time: expect.any(String),
      requestId: 'from-the-caller',
      method: 'greet.GreetService/Greet',
      code: 'OK',
      client: expect.stringMatching(/^(127\.0\.0\.1|0:0:0:0::\/64)$/),
      peer: expect.stringMatching(/^(127\.0\.0\.1|\[::1\]):\d+$/),
      userAgent: expect.stringMatching(/^grpc-node-js\//),
      durationMs: expect.any(Number),
      msg: 'call',
    });
  });

  it('makes an id of its own, also for a refusal, and instead of one it would not repeat', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', 'a b');
    const { requestId } = await send(plain(''), metadata);
    expect(requestId).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
    expect(service.lines.find((line) => line.requestId === requestId)).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('answers UNIMPLEMENTED for methods and services that it does not have', async () => {
    expect((await send(plain('a'), new Metadata(), '/greet.GreetService/Nope')).error?.code).toBe(
      status.UNIMPLEMENTED,
    );
    expect((await send(plain('a'), new Metadata(), '/nope.Nope/Greet')).error?.code).toBe(
      status.UNIMPLEMENTED,
    );
    await expectGreeting();
  });

  it('answers RESOURCE_EXHAUSTED to messages over the limit, of 5 kB and of 5 MB', async () => {
    for (const size of [5_000, 5_000_000]) {
      expect((await send(plain('a'.repeat(size)))).error?.code).toBe(status.RESOURCE_EXHAUSTED);
    }
    await expectGreeting();
  });
});
