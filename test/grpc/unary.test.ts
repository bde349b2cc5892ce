import { once } from 'node:events';
import { connect } from 'node:http2';
import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { greetMethod } from '../../src/grpc/greet.ts';
import { handleUnary, type UnaryMethod } from '../../src/grpc/unary.ts';
import { message } from '../support/http2-frames.ts';
import { createTestTelemetry, until } from '../support/service.ts';

describe('handleUnary', () => {
  const cleanups: (() => void)[] = [];
  afterEach(() => {
    for (const cleanup of cleanups.splice(0)) cleanup();
  });

  /** A gRPC server whose method calls this function, and a client of it. */
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
    const ask = () => {
      let cancel = () => {};
      const outcome = new Promise<ServiceError | string>((resolve) => {
        const running = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          { message: 'Alice' },
          (error, response) => resolve(error ?? response?.message ?? ''),
        );
        cancel = () => running.cancel();
      });
      return { outcome, cancel: () => cancel() };
    };
    return { lines, ask, port };
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
    ['rejects with a string', () => Promise.reject('secret: hunter2')],
    [
      'rejects with an error that has a status',
      () =>
        Promise.reject(Object.assign(new Error('secret: hunter2'), { code: status.OK, details: 'secret' })),
    ],
  ])(
    'answers INTERNAL in general words when the method %s, and logs the cause once',
    async (_title, call) => {
      const { lines, ask } = await serve(call);
      const error = (await ask().outcome) as ServiceError;
      expect(error.code).toBe(status.INTERNAL);
      expect(error.details).not.toMatch(/secret|hunter2/);
      expect(lines.map(({ msg, code }) => code ?? msg)).toEqual(['call failed', 'INTERNAL']);
      expect(JSON.stringify(lines[0])).toContain('hunter2');
    },
  );

  it('answers DEADLINE_EXCEEDED when the deadline has passed, and logs it', async () => {
    const { lines, port } = await serve(never);
    // Node's client has no deadline of its own, so that the server finds that it has passed.
    const session = connect(`http://127.0.0.1:${port}`);
    cleanups.push(() => session.destroy());
    const { path, requestSerialize } = greetService.Greet;
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      'grpc-timeout': '50m',
      te: 'trailers',
    });
    stream.resume().end(message(requestSerialize({ message: 'Alice' })));
    const [headers] = await once(stream, 'response');
    expect(headers).toMatchObject({ 'grpc-status': String(status.DEADLINE_EXCEEDED) });
    await until(() => lines.length > 0);
    expect(lines).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }]);
  });

  it('logs CANCELLED when the client cancels the call', async () => {
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { lines, ask } = await serve(() => {
      begin();
      return never();
    });
    const { outcome, cancel } = ask();
    await begun;
    cancel();
    expect(((await outcome) as ServiceError).code).toBe(status.CANCELLED);
    await until(() => lines.length > 0);
    expect(lines).toMatchObject([{ code: 'CANCELLED' }]);
  });
});
