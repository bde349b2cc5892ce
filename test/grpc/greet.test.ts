import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { readViolations } from '../../src/net/grpc/rich-status.ts';
import { cases } from '../cases.ts';
import { startTestService, type TestService, until } from '../support/service.ts';

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
  /** Sends these bytes as the message. */
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

  it.each<[string, Buffer]>([
    ['invalid UTF-8', Buffer.from('0a03e0a441', 'hex')],
    ['a UTF-8 surrogate', Buffer.from('0a03eda080', 'hex')],
    ['an overlong encoding', Buffer.from('0a02c080', 'hex')],
    ['a truncated string', Buffer.from('0a05416c', 'hex')],
    ['a length without a string', Buffer.from('0a', 'hex')],
    ['a field of another type', Buffer.from('0801', 'hex')],
    ['a group without an end', Buffer.from('0b', 'hex')],
    ['a field number of zero', Buffer.from('0000', 'hex')],
    ['random bytes', Buffer.from('ffffffffffffffffffffff', 'hex')],
  ])('refuses %s, instead of repairing it', async (_title, bytes) => {
    expect((await send(bytes)).error?.code).toBe(status.INVALID_ARGUMENT);
    await expectGreeting();
  });

  it('ignores unknown fields, and takes the last value of a repeated one, as proto3 specifies', async () => {
    expect(
      (await send(Buffer.concat([Buffer.from('1207756e6b6e6f776e', 'hex'), plain('Alice')]))).message,
    ).toBe('Hello, Alice');
    expect((await send(Buffer.concat([plain('Bob'), plain('Alice')]))).message).toBe('Hello, Alice');
  });

  it('takes over x-request-id, sends it back and logs it', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', 'from-the-client');
    expect((await send(plain('Alice'), metadata)).requestId).toBe('from-the-client');
    await until(() => service.lines.some(({ requestId }) => requestId === 'from-the-client'));
    const line = service.lines.find(({ requestId }) => requestId === 'from-the-client');
    expect(line).toEqual({
      level: 'info',
      time: expect.any(String),
      requestId: 'from-the-client',
      method: 'greet.GreetService/Greet',
      code: 'OK',
      durationMs: expect.any(Number),
      msg: 'call',
    });
  });

  it('makes a new request id for a refusal, and instead of an invalid one', async () => {
    const metadata = new Metadata();
    metadata.set('x-request-id', 'a b');
    const { requestId } = await send(plain(''), metadata);
    expect(requestId).toMatch(/^[0-9a-f]{16}-[0-9a-z]+$/);
    await until(() => service.lines.some((line) => line.requestId === requestId));
    expect(service.lines.find((line) => line.requestId === requestId)).toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('answers UNIMPLEMENTED for unknown methods and services', async () => {
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
