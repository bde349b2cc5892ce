import type { JsonObject } from '@bufbuild/protobuf';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonMethod } from '../support/proto.ts';
import { startTestService, type TestService } from '../support/service.ts';

const versions = ['v1', 'v1alpha'] as const;
const services = [
  'greet.GreetService',
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

describe('server reflection', () => {
  let service: TestService;
  let client: Client;
  beforeAll(async () => {
    // Some of the streams below stay open: the drain cuts them.
    service = await startTestService({ SHUTDOWN_TIMEOUT_MS: '100' });
    client = new Client(service.urls.grpc, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await service.drain();
  });

  const open = (version = 'v1') => {
    const { path, requestSerialize, responseDeserialize } = jsonMethod(
      `grpc.reflection.${version}.ServerReflection`,
      'ServerReflectionInfo',
    );
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const answers: JsonObject[] = [];
    const ended = new Promise<{ code: status; details: string }>((resolve) => {
      call.on('data', (answer) => answers.push(answer as JsonObject));
      call.on('error', () => {}).on('status', resolve);
    });
    return { call, answers, ended };
  };
  /** Asks on one stream. */
  const ask = async (requests: JsonObject[], version?: string) => {
    const { call, answers, ended } = open(version);
    for (const request of requests) call.write(request);
    call.end();
    expect(await ended).toMatchObject({ code: status.OK });
    return answers;
  };
  const filesOf = (answer: JsonObject | undefined): FileDescriptorProto[] => {
    const { fileDescriptorProto = [] } = (answer?.fileDescriptorResponse ?? {}) as {
      fileDescriptorProto?: string[];
    };
    return fileDescriptorProto.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, Buffer.from(bytes, 'base64')),
    );
  };
  const namesOf = (answer: JsonObject | undefined) => filesOf(answer).map(({ name }) => name);
  const notFound = (what: string) => ({
    errorResponse: { errorCode: status.NOT_FOUND, errorMessage: `This server has no such ${what}.` },
  });

  it.each(versions)('lists every service, itself included, by %s', async (version) => {
    expect(await ask([{ host: 'me', listServices: '*' }], version)).toEqual([
      {
        validHost: 'me',
        originalRequest: { host: 'me', listServices: '*' },
        listServicesResponse: { service: services.map((name) => ({ name })) },
      },
    ]);
  });

  it.each(services)('describes %s with all that it needs', async (name) => {
    const [answer] = await ask([{ fileContainingSymbol: name }]);
    const files = filesOf(answer);
    const found = createFileRegistry(files[0] as FileDescriptorProto, (path) =>
      files.find((file) => file.name === path),
    ).getService(name);
    expect(found?.methods.length).toBeGreaterThan(0);
  });

  it('describes the map of the health list as the compiler does', async () => {
    const [answer] = await ask([{ fileContainingSymbol: 'grpc.health.v1.HealthListResponse' }]);
    const list = filesOf(answer)[0]?.messageType.find(({ name }) => name === 'HealthListResponse');
    expect(list?.nestedType[0]).toMatchObject({ name: 'StatusesEntry', options: { mapEntry: true } });
  });

  it.each([
    ['a message', 'greet.GreetingRequest', 'greet.proto'],
    ['a field', 'greet.GreetingRequest.message', 'greet.proto'],
    ['a method', 'greet.GreetService.Greet', 'greet.proto'],
    ['a nested enum', 'grpc.health.v1.HealthCheckResponse.ServingStatus', 'grpc/health/v1/health.proto'],
    ['an enum value', 'grpc.health.v1.HealthCheckResponse.SERVING', 'grpc/health/v1/health.proto'],
    [
      'a oneof',
      'grpc.reflection.v1.ServerReflectionRequest.message_request',
      'grpc/reflection/v1/reflection.proto',
    ],
    ['an error detail', 'google.rpc.BadRequest', 'google/rpc/error_details.proto'],
    ['the rich status', 'google.rpc.Status', 'google/rpc/status.proto'],
    ['an imported message', 'google.protobuf.Any', 'google/protobuf/any.proto'],
  ])('finds %s: %s', async (_what, symbol, file) => {
    expect(namesOf((await ask([{ fileContainingSymbol: symbol }]))[0])[0]).toBe(file);
  });

  it.each([
    'greet',
    'greet.Nobody',
    '.greet.GreetService',
    'greet.GreetService.',
    'constructor',
    '__proto__',
    'toString',
    '',
  ])('finds no symbol "%s"', async (symbol) => {
    expect((await ask([{ fileContainingSymbol: symbol }]))[0]).toMatchObject(notFound('symbol'));
  });

  it('sends a file by its name, with its imports, and each import once on a stream', async () => {
    const answers = await ask([
      { fileByFilename: 'google/rpc/status.proto' },
      { fileByFilename: 'google/rpc/status.proto' },
      { fileByFilename: 'google/rpc/error_details.proto' },
      { fileByFilename: 'nobody.proto' },
      { fileByFilename: 'constructor' },
    ]);
    expect(answers.slice(0, 3).map(namesOf)).toEqual([
      ['google/rpc/status.proto', 'google/protobuf/any.proto'],
      ['google/rpc/status.proto'],
      ['google/rpc/error_details.proto', 'google/protobuf/duration.proto'],
    ]);
    expect(answers.slice(3)).toMatchObject([notFound('file'), notFound('file')]);
  });

  it('knows no extensions: none of a message, and none by number', async () => {
    expect(
      await ask([
        { allExtensionNumbersOfType: 'greet.GreetingRequest' },
        { allExtensionNumbersOfType: 'greet.Nobody' },
        { fileContainingExtension: { containingType: 'greet.GreetingRequest', extensionNumber: 7 } },
      ]),
    ).toMatchObject([
      { allExtensionNumbersResponse: { baseTypeName: 'greet.GreetingRequest' } },
      notFound('type'),
      notFound('extension'),
    ]);
  });

  it('refuses a request that asks for nothing', async () => {
    const { call, ended, answers } = open();
    call.write({ host: 'me' });
    call.write({ listServices: '' });
    expect(await ended).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'The request asks for nothing.',
    });
    expect(answers).toEqual([]);
  });

  it('answers a thousand requests of a client that reads late, in their order', async () => {
    const { call, answers, ended } = open();
    call.pause();
    for (let count = 0; count < 1_000; count += 1)
      call.write({ host: String(count), fileByFilename: 'greet.proto' });
    call.end();
    setTimeout(() => call.resume(), 200);
    expect(await ended).toMatchObject({ code: status.OK });
    expect(answers.map(({ validHost }) => validHost)).toEqual(
      Array.from({ length: 1_000 }, (_, count) => String(count)),
    );
  });

  it('goes on for other clients when one leaves', async () => {
    const first = open();
    first.call.write({ listServices: '' });
    first.call.cancel();
    expect((await first.ended).code).toBe(status.CANCELLED);
    expect(await ask([{ listServices: '' }])).toHaveLength(1);
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
