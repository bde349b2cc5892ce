import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient, type GrpcClient, type GrpcClientOptions } from '../../src/client/exports.ts';
import { until } from '../support/service.ts';
import { createTlsFolder } from '../support/tls.ts';
import { errorOf, withTimeout } from './error-of.ts';
import { grpcMisbehaviours, grpcSilences } from './misbehaving-grpc.ts';
import {
  answers,
  begins,
  frame,
  type GrpcBehaviour,
  type GrpcStub,
  greets,
  messageOf,
  refuses,
  startGrpcStub,
  startRelay,
  startSocketStub,
} from './stub-grpc.ts';

let stub: GrpcStub | undefined;
let client: GrpcClient | undefined;
afterEach(() => {
  client?.close();
  stub?.close();
});

/** A stub that behaves like this, and a client of it. Both are closed after the test. */
async function openClient(
  behave: GrpcBehaviour,
  options: Partial<GrpcClientOptions>,
  onTestFinished: (end: () => void) => void,
) {
  const server = await startGrpcStub(behave);
  const greeter = createGrpcClient({ address: server.address, timeoutMs: 20_000, ...options });
  onTestFinished(() => {
    greeter.close();
    server.close();
  });
  return { greeter, server };
}

/** Only the client. */
async function clientOf(
  behave: GrpcBehaviour,
  options: Partial<GrpcClientOptions> = {},
): Promise<GrpcClient> {
  client?.close();
  stub?.close();
  const { greeter, server } = await openClient(behave, options, () => {});
  client = greeter;
  stub = server;
  return client;
}

describe('the gRPC client', () => {
  // Concurrent, because most of them wait between attempts.
  it.concurrent.for(grpcMisbehaviours)(
    'rejects with a GreetError for $title',
    async (misbehaviour, context) => {
      const { behave, kind, message, tries } = misbehaviour;
      const { greeter, server } = await openClient(behave, {}, context.onTestFinished);
      const error = await errorOf(greeter.greet('Alice'));
      const expected = { name: 'GreetError', kind, message: expect.stringMatching(message), violations: [] };
      expect(error).toMatchObject(expected);
      expect(server.calls).toHaveLength(tries);
    },
  );

  it.concurrent.for(grpcSilences)('rejects at its timeout after %s', async ([, behave], context) => {
    await withTimeout(async (timeoutMs) => {
      const { greeter, server } = await openClient(behave, { timeoutMs }, context.onTestFinished);
      const error = await errorOf(greeter.greet('Alice'));
      const message = `${server.address} did not answer within ${timeoutMs} ms.`;
      expect(error).toMatchObject({ kind: 'timeout', message });
      return server.calls.length === 1;
    });
  });

  const refusal = 'HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n';

  it.each<[title: string, behave: (socket: Socket) => void, reason: RegExp, tls?: object]>([
    ['a server of HTTP/1.1', (socket) => socket.end(refusal), /^Protocol error$/],
    ['garbage', (socket) => socket.end('garbage garbage garbage garbage'), /^Protocol error$/],
    ['connections that are closed at once', (socket) => socket.destroy(), /^Failed to connect$/],
    [
      'a server without TLS',
      (socket) => socket.end(refusal),
      /^(wrong version number|packet length too long)$/,
      {},
    ],
  ])('names the reason why the last connection failed: %s', async (_title, behave, reason, tls) => {
    stub = await startSocketStub(behave);
    const { address } = stub;
    await withTimeout(async (timeoutMs) => {
      client?.close();
      client = createGrpcClient({ address, timeoutMs, tls });
      const { kind, message } = await errorOf(client.greet('Alice'));
      expect(kind).toBe('timeout');
      const start = `${address} did not answer within ${timeoutMs} ms`;
      expect(message.startsWith(start)).toBe(true);
      return reason.test(message.slice(start.length + 2, -1));
    });
  });

  it('gives no reason while a connection is still being opened', async () => {
    stub = await startSocketStub(() => {});
    client = createGrpcClient({ address: stub.address, timeoutMs: 100 });
    expect((await errorOf(client.greet('Alice'))).message).toBe(
      `${stub.address} did not answer within 100 ms.`,
    );
  });

  it.each(['nowhere.invalid:1', 'dns:///nowhere.invalid:1'])(
    'reports that %s cannot be resolved',
    async (address) => {
      await withTimeout(async (timeoutMs) => {
        client = createGrpcClient({ address, timeoutMs });
        return /: Name resolution failed for target /.test((await errorOf(client.greet('Alice'))).message);
      });
    },
  );

  it('retries after UNAVAILABLE and after a lost connection, and succeeds', async () => {
    const breakdowns = [
      refuses({ 'grpc-status': '14' }),
      begins(Buffer.alloc(0), (stream) => stream.session?.destroy()),
    ];
    const greeter = await clientOf((stream, index) => (breakdowns[index] ?? greets)(stream, index));
    expect(await greeter.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    expect(stub?.calls).toHaveLength(3);
  });

  it('calls once if attempts is 1', async () => {
    const greeter = await clientOf(refuses({ 'grpc-status': '14' }), { attempts: 1 });
    expect((await errorOf(greeter.greet('Alice'))).kind).toBe('unavailable');
    expect(stub?.calls).toHaveLength(1);
  });

  it('reads the request id from headers and from trailers', async () => {
    const greeter = await clientOf((stream, index) => {
      if (index === 0) refuses({ 'grpc-status': '13', 'x-request-id': 'one' })(stream, index);
      else answers(Buffer.alloc(0), { 'grpc-status': '13' }, { 'x-request-id': 'two' })(stream, index);
    });
    expect((await errorOf(greeter.greet('Alice'))).requestId).toBe('one');
    expect((await errorOf(greeter.greet('Alice'))).requestId).toBe('two');
  });

  it.each<[title: string, behave: GrpcBehaviour]>([
    ['a status that is unknown', answers(frame(Buffer.alloc(0)))],
    ['a service that is unknown', answers(frame(Buffer.from([8, 3])))],
    ['an unknown number', answers(frame(Buffer.from([8, 77])))],
    ['garbage', answers(frame(Buffer.from([255])))],
    ['a refusal', refuses({ 'grpc-status': '14' })],
  ])('rejects health() for %s, without a retry', async (_title, behave) => {
    await errorOf((await clientOf(behave)).health());
    expect(stub?.calls).toHaveLength(1);
  });

  it('returns the health status', async () => {
    expect(await (await clientOf(answers(frame(Buffer.from([8, 1]))))).health()).toBe('SERVING');
    client?.close();
    stub?.close();
    expect(await (await clientOf(answers(frame(Buffer.from([8, 2]))))).health()).toBe('NOT_SERVING');
  });

  it('ignores bytes after the message, because grpc-js does', async () => {
    const greeter = await clientOf(
      answers(Buffer.concat([frame(messageOf('Hello, Alice')), Buffer.from([0])])),
    );
    expect(await greeter.greet('Alice')).toEqual({ message: 'Hello, Alice' });
  });
});

describe.each<[moment: string, behave: GrpcBehaviour]>([
  ['before the response', () => {}],
  ['in the message', begins(Buffer.from([0, 0, 0]), () => {})],
  ['between attempts', refuses({ 'grpc-status': '14', 'grpc-retry-pushback-ms': '3600000' })],
])('a call over gRPC, %s', (_moment, behave) => {
  it('can be cancelled', async () => {
    const controller = new AbortController();
    const greeter = await clientOf(behave, { timeoutMs: 2 ** 31 - 1 });
    const greeting = errorOf(greeter.greet('Alice', { signal: controller.signal }));
    await until(() => stub?.calls.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort('enough');
    expect(await greeting).toMatchObject({
      kind: 'cancelled',
      message: 'The call was cancelled.',
      cause: 'enough',
    });
    expect(stub?.calls).toHaveLength(1);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe('a call over gRPC', () => {
  it('can be cancelled while it waits for a connection', async () => {
    stub = await startSocketStub(() => {});
    client = createGrpcClient({ address: stub.address, timeoutMs: 2 ** 31 - 1 });
    const controller = new AbortController();
    const greeting = errorOf(client.greet('Alice', { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    expect((await greeting).kind).toBe('cancelled');
  });

  it('sends nothing when the signal is aborted already', async () => {
    const greeter = await clientOf(greets);
    expect((await errorOf(greeter.greet('Alice', { signal: AbortSignal.abort() }))).kind).toBe('cancelled');
    expect(stub?.calls).toEqual([]);
  });

  it('is cancelled when the signal is aborted by inject', async () => {
    const controller = new AbortController();
    const greeter = await clientOf(() => {}, { inject: () => controller.abort() });
    expect((await errorOf(greeter.greet('Alice', { signal: controller.signal }))).kind).toBe('cancelled');
  });

  it('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    await (await clientOf(greets)).greet('Alice', { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is cancelled when the client is closed before it, or while it waits for a connection', async () => {
    stub = await startSocketStub(() => {});
    client = createGrpcClient({ address: stub.address });
    const waiting = errorOf(client.greet('Alice'));
    setTimeout(() => client?.close(), 20);
    expect(await waiting).toMatchObject({ kind: 'cancelled', message: 'The client is closed.' });
    client.close();
    for (const call of [client.greet('Alice'), client.health()])
      expect(await errorOf(call)).toMatchObject({ kind: 'cancelled', message: 'The client is closed.' });
  });

  it('goes on to its end when the client is closed during it', async () => {
    let answer = () => {};
    const greeter = await clientOf((stream, index) => {
      answer = () => greets(stream, index);
    });
    const greeting = greeter.greet('Alice');
    await until(() => stub?.calls.length === 1);
    greeter.close();
    answer();
    expect(await greeting).toEqual({ message: 'Hello, Alice' });
  });

  it.each([[undefined], [null], [42], [{}], [['Alice']]])('refuses the name %j', async (name) => {
    const greeter = await clientOf(greets);
    const detail = 'must be a string';
    expect(await errorOf(greeter.greet(name as unknown as string))).toMatchObject({
      kind: 'invalid',
      message: `name ${detail}`,
      violations: [{ field: 'name', detail }],
    });
    expect(stub?.calls).toEqual([]);
  });

  it.each([[''], ['a b'], ['a\r\nb'], ['é'], ['x'.repeat(129)], [42]])(
    'refuses the request id %j',
    async (requestId) => {
      const greeter = await clientOf(greets);
      for (const call of [
        greeter.greet('Alice', { requestId } as object),
        greeter.health({ requestId } as object),
      ])
        expect(await errorOf(call)).toMatchObject({
          kind: 'refused',
          message: expect.stringMatching(/^requestId: /),
        });
      expect(stub?.calls).toEqual([]);
    },
  );

  it('refuses a signal that is not an AbortSignal, and treats null as unset', async () => {
    const greeter = await clientOf(greets);
    expect((await errorOf(greeter.greet('Alice', { signal: {} } as object))).kind).toBe('refused');
    for (const options of [null, { signal: null, requestId: null }])
      expect(await greeter.greet('Alice', options as object)).toEqual({ message: 'Hello, Alice' });
  });

  it.each<[title: string, inject: GrpcClientOptions['inject'], message: RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no context');
      },
      /^inject: no context$/,
    ],
    [
      'throws undefined',
      () => {
        throw undefined;
      },
      /^inject: undefined$/,
    ],
    [
      'adds a key that is not valid',
      (carrier) => {
        carrier['a b'] = 'c';
      },
      /^inject: .*a b/,
    ],
    [
      'adds a value with a line break',
      (carrier) => {
        carrier.a = 'b\r\nc';
      },
      /^inject: /,
    ],
    [
      'adds a value that is not ASCII',
      (carrier) => {
        carrier.a = 'é';
      },
      /^inject: /,
    ],
    [
      'adds text for a binary key',
      (carrier) => {
        carrier['a-bin'] = 'text';
      },
      /^inject: /,
    ],
  ])('is refused when inject %s', async (_title, inject, message) => {
    const greeter = await clientOf(greets, { inject });
    expect(await errorOf(greeter.greet('Alice'))).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(message),
    });
    expect(stub?.calls).toEqual([]);
  });

  it('sends the injected metadata, but its own request id', async () => {
    const inject = (carrier: Record<string, string>) =>
      Object.assign(carrier, { traceparent: 'a', 'X-Request-Id': 'theirs' });
    await (await clientOf(greets, { inject })).greet('Alice', { requestId: 'mine' });
    expect(stub?.calls[0]).toMatchObject({ traceparent: 'a', 'x-request-id': 'mine' });
  });
});

describe('a network that drops all data of a connection', () => {
  it('fails calls only until keepalive closes the connection', async () => {
    stub = await startGrpcStub(greets);
    const relay = await startRelay(stub.address);
    client = createGrpcClient({ address: relay.address, timeoutMs: 100, keepaliveMs: 50 });
    const greeted = () =>
      client?.greet('Alice').then(
        () => true,
        () => false,
      );
    await until(async () => (await greeted()) === true);
    relay.freeze();
    expect((await errorOf(client.greet('Alice'))).kind).toBe('timeout');
    await until(async () => (await greeted()) === true);
    relay.close();
  });
});

describe('the options of the gRPC client', () => {
  const address = 'localhost:50051';

  it.each<[options: unknown, message: RegExp]>([
    [undefined, /^address: expected a gRPC target such as localhost:50051, got undefined$/],
    [{}, /^address: /],
    [{ address: '' }, /^address: .*got ""$/],
    [{ address: 42 }, /^address: .*got 42$/],
    [{ address: new URL('http://localhost') }, /^address: .*got a value of type object$/],
    [
      { address: 'http://localhost:50051' },
      /^address: .*without a scheme such as http:\/\/, got "http:\/\/localhost:50051"$/,
    ],
    [{ address: 'https://me:secret@localhost' }, /^address: .*got "https:\/\/…@localhost"$/],
    [{ address: 'grpc://localhost:1' }, /^address: .*without a scheme/],
    [{ address: 'localhost:0' }, /^address: /],
    [{ address: 'localhost:99999' }, /^address: /],
    [{ address: 'localhost:http' }, /^address: /],
    [{ address: 'localhost:1/greet' }, /^address: /],
    [{ address: 'a b:1' }, /^address: /],
    [{ address: ' localhost:1' }, /^address: /],
    [{ address: ':1' }, /^address: /],
    [{ address: '[::1' }, /^address: /],
    [{ address: '[localhost]:1' }, /^address: /],
    [{ address: '::1:50051:' }, /^address: /],
    [{ address: 'a:1,b:2' }, /^address: /],
    [{ address: 'ipv4:localhost:1' }, /^address: /],
    [{ address: 'ipv4:10.0.0.1:1,10.0.0.2:x' }, /^address: /],
    [{ address: 'ipv6:10.0.0.1:1' }, /^address: /],
    [{ address: 'dns:' }, /^address: /],
    [{ address: 'dns:///' }, /^address: /],
    [{ address: 'unix:' }, /^address: /],
    [{ address, timeoutMs: 0 }, /^timeoutMs: expected a whole number from 1 to 2147483647, got 0$/],
    [{ address, timeoutMs: '1' }, /^timeoutMs: /],
    [{ address, keepaliveMs: 0 }, /^keepaliveMs: expected a whole number/],
    [{ address, attempts: 6 }, /^attempts: expected a whole number from 1 to 5, got 6$/],
    [{ address, inject: 'x' }, /^inject: /],
    [{ address, tls: { cert: 'x' } }, /^tls: expected both cert and key, or neither$/],
    [{ address, tls: { key: 'x' } }, /^tls: expected both/],
    [{ address, tls: { cert: 'x', key: 'y' } }, /^tls: expected certificates in PEM/],
    [{ address, tls: { ca: 42 } }, /^tls: expected certificates in PEM/],
    [{ address, tls: { ca: 'x' } }, /^tls: expected certificates in PEM.*; ca has none$/],
    [{ address, tls: true }, /^tls: expected an object/],
  ])('are refused, %j', (options, message) => {
    const create = () => createGrpcClient(options as GrpcClientOptions).close();
    expect(create).toThrow(TypeError);
    expect(create).toThrow(message);
  });

  it.each([
    'localhost',
    'localhost:1',
    'greet.example.com:443',
    'under_score:1',
    '10.0.0.1:1',
    '[::1]:1',
    '::1',
    'dns:localhost:1',
    'dns:///localhost:1',
    'dns://8.8.8.8/localhost:1',
    'dns:[::1]:1',
    'ipv4:10.0.0.1:1,10.0.0.2:2',
    'ipv6:[::1]:1,[::2]:2',
    'unix:/tmp/a.sock',
    'unix:///tmp/a.sock',
    'unix-abstract:a',
    'xds:///greet',
  ])('take the address %s', (target) => {
    createGrpcClient({ address: target }).close();
  });

  it('take PEM as text and as bytes', async () => {
    const folder = await createTlsFolder();
    const { cert, key } = folder.authority.issue('client');
    for (const read of [
      (pem: string) => pem,
      (pem: string) => Buffer.from(pem),
      (pem: string) => new TextEncoder().encode(pem),
    ])
      createGrpcClient({
        address,
        tls: { ca: read(folder.authority.cert), cert: read(cert), key: read(key) },
      }).close();
    await folder.dispose();
  });
});
