import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { greetMethod } from '../../src/grpc/greet.ts';
import { handleUnary, type UnaryMethod } from '../../src/grpc/unary.ts';
import { createTestTelemetry, until } from '../support/service.ts';

describe('handleUnary', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  /** A real server whose method does what the test says, and a call to it. */
  const serve = async (call: () => { message: string } | Promise<{ message: string }>) => {
    const { lines, telemetry } = await createTestTelemetry();
    const server = new Server();
    server.addService(greetService, {
      Greet: handleUnary({ method: greetMethod as UnaryMethod, call }, telemetry),
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    cleanups.push(
      () => client.close(),
      () => server.forceShutdown(),
    );
    const { path, requestSerialize, responseDeserialize } = greetService.Greet;
    const ask = (timeoutMs = 5_000) => {
      let cancel = () => {};
      const outcome = new Promise<ServiceError | string>((resolve) => {
        const running = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { message: 'Alice' },
          { deadline: Date.now() + timeoutMs },
          (error, response) => resolve(error ?? response?.message ?? ''),
        );
        cancel = () => running.cancel();
      });
      return { outcome, cancel: () => cancel() };
    };
    return { lines, ask };
  };
  const never = () => new Promise<never>(() => {});

  it('waits for a promise', async () => {
    const { lines, ask } = await serve(async () => ({ message: 'later' }));
    expect(await ask().outcome).toBe('later');
    expect(lines).toMatchObject([{ code: 'OK' }]);
  });

  it.each<[string, () => Promise<never> | never]>([
    [
      'throws',
      () => {
        throw new Error('secret: hunter2');
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret: hunter2'))],
    ['rejects with no error', () => Promise.reject('secret: hunter2')],
    [
      'claims a status',
      () =>
        Promise.reject(Object.assign(new Error('secret: hunter2'), { code: status.OK, details: 'secret' })),
    ],
  ])(
    'answers INTERNAL in general terms when the method %s, and logs the cause once',
    async (_title, call) => {
      const { lines, ask } = await serve(call);
      const error = (await ask().outcome) as ServiceError;
      expect(error.code).toBe(status.INTERNAL);
      expect(error.details).not.toMatch(/secret|hunter2/);
      expect(lines.map(({ msg, code }) => code ?? msg)).toEqual(['call failed', 'INTERNAL']);
      expect(JSON.stringify(lines[0])).toContain('hunter2');
    },
  );

  it('answers DEADLINE_EXCEEDED when the deadline passes, and logs it as such', async () => {
    const { lines, ask } = await serve(never);
    expect(((await ask(300).outcome) as ServiceError).code).toBe(status.DEADLINE_EXCEEDED);
    await until(() => lines.length > 0);
    expect(lines).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
  });

  it('logs CANCELLED when the caller leaves', async () => {
    const { lines, ask } = await serve(never);
    const { outcome, cancel } = ask();
    await new Promise((resolve) => setTimeout(resolve, 100));
    cancel();
    expect(((await outcome) as ServiceError).code).toBe(status.CANCELLED);
    await until(() => lines.length > 0);
    expect(lines).toMatchObject([{ code: 'CANCELLED' }]);
  });
});
