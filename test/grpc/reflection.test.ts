import { createRequire } from 'node:module';
import { Client, credentials, type MethodDefinition, type ServiceDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Program, runProgram } from '../support/program.ts';

const library = createRequire(import.meta.url).resolve('@grpc/reflection');

function methodOf(version: string): MethodDefinition<object, object> {
  const proto = new URL(`../proto/grpc/reflection/${version}/reflection.proto`, `file://${library}`);
  const service = loadSync(proto.pathname)[
    `grpc.reflection.${version}.ServerReflection`
  ] as ServiceDefinition;
  return service.ServerReflectionInfo as MethodDefinition<object, object>;
}

// Each in a program of its own, as only the first call of a program loads what the others find.
describe('server reflection', () => {
  let program: Program;
  let client: Client;
  beforeEach(async () => {
    program = await runProgram();
    client = new Client((await program.listening()).grpc, credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await program.dispose();
  });

  const open = (version: string) => {
    const { path, requestSerialize, responseDeserialize } = methodOf(version);
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const answers: object[] = [];
    const ended = new Promise<number>((resolve) => {
      call.on('data', (answer) => answers.push(answer));
      call.on('error', () => {}).on('status', ({ code }) => resolve(code));
    });
    return { call, answers, ended };
  };
  const services = { service: [{ name: 'greet.GreetService' }, { name: 'grpc.health.v1.Health' }] };

  it('answers all who ask at once, by both versions, in their order, also who has hung up by then', async () => {
    const calls = ['v1', 'v1alpha', 'v1', 'v1alpha'].map(open);
    for (const { call } of calls) {
      call.write({ listServices: '' });
      call.write({ fileContainingSymbol: 'greet.Nobody' });
      call.end();
    }
    for (const { answers, ended } of calls) {
      expect(await ended).toBe(status.OK);
      expect(answers).toMatchObject([
        { listServicesResponse: services },
        { errorResponse: { errorCode: status.NOT_FOUND } },
      ]);
    }
  });

  it('is not disturbed by a first caller who leaves while it is loaded', async () => {
    const first = open('v1');
    first.call.write({ listServices: '' });
    setTimeout(() => first.call.cancel(), 5);
    expect(await first.ended).toBe(status.CANCELLED);
    const second = open('v1');
    second.call.write({ listServices: '' });
    second.call.end();
    expect(await second.ended).toBe(status.OK);
    expect(second.answers).toMatchObject([{ listServicesResponse: services }]);
    expect(program.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
