import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeFetch } from '../../src/client/command/node-fetch.ts';
import { createHttpClient, GreetError, type HttpClientOptions } from '../../src/client/exports.ts';
import { createHttpClient as createBrowserClient } from '../../src/client/http.ts';
import { run } from '../support/command.ts';
import { until } from '../support/service.ts';
import { errorOf, withTimeout } from './error-of.ts';
import { httpMisbehaviours, httpSilences } from './misbehaving-http.ts';
import {
  answers,
  answersJson,
  type Behaviour,
  greets,
  type HttpStub,
  startHttpStub,
  writes,
} from './stub-http.ts';

const problem = { 'content-type': 'application/problem+json' };

let stub: HttpStub | undefined;
afterEach(() => stub?.close());

/** A stub that behaves like this, and a client of it. */
async function openClient(behave: Behaviour, options: Partial<HttpClientOptions> = {}) {
  const server = await startHttpStub(behave);
  return { client: createHttpClient({ url: server.url, timeoutMs: 20_000, ...options }), server };
}

/** Only the client. The stub is closed after the test. */
async function clientOf(behave: Behaviour, options?: Partial<HttpClientOptions>) {
  stub?.close();
  const { client, server } = await openClient(behave, options);
  stub = server;
  return client;
}

describe.each([
  ["Node's fetch", globalThis.fetch],
  ["the command's fetch", createNodeFetch({ useProxy: false })],
])('the HTTP client with %s', (_title, fetch) => {
  // Concurrent, because most of them wait between attempts.
  it.concurrent.for(httpMisbehaviours)(
    'rejects with a GreetError for $title',
    async (misbehaviour, context) => {
      const { behave, kind, message, tries } = misbehaviour;
      const { client, server } = await openClient(behave, { fetch });
      context.onTestFinished(() => server.close());
      const error = await errorOf(client.greet('Alice'));
      expect(error).toMatchObject({ name: 'GreetError', kind, message: expect.stringMatching(message) });
      expect(error.violations).toEqual([]);
      expect(server.requests).toHaveLength(tries);
      // The client must close the connection of a response that it did not read completely.
      await until(() => server.connections() === 0);
    },
  );

  it.concurrent.for(httpSilences)('rejects at its timeout after %s', async ([, behave], context) => {
    await withTimeout(async (timeoutMs) => {
      const { client, server } = await openClient(behave, { fetch, timeoutMs });
      context.onTestFinished(() => server.close());
      expect(await errorOf(client.greet('Alice'))).toMatchObject({
        kind: 'timeout',
        message: `${server.url}/greet did not answer within ${timeoutMs} ms.`,
      });
      await until(() => server.connections() === 0);
      return server.requests.length === 1;
    });
  });

  it.each<[title: string, behave: Behaviour, message?: string]>([
    [
      'a content type in capitals, with parameters',
      answers(200, { 'content-type': 'APPLICATION/JSON ; charset=UTF-8' }, '{"message":"Hello, Alice"}'),
    ],
    [
      'a character that is split over two packets',
      (socket) => {
        socket.write(
          Buffer.from(
            'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 25\r\n\r\n{"message":"Hello, Zo\xc3',
            'latin1',
          ),
        );
        setTimeout(() => socket.end(Buffer.from('\xab"}', 'latin1')), 20);
      },
      'Hello, Zoë',
    ],
    [
      'a byte order mark',
      answers(200, { 'content-type': 'application/json' }, '\uFEFF{"message":"Hello, Alice"}'),
    ],
    ['unknown members', answersJson({ message: 'Hello, Alice', more: [1] })],
    [
      'chunks',
      writes(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"mes\r\n15\r\nsage":"Hello, Alice"}\r\n0\r\n\r\n',
      ),
    ],
    [
      'HTTP/1.0',
      writes('HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{"message":"Hello, Alice"}'),
    ],
    [
      '103 Early Hints before the response',
      (socket, ...rest) => {
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n');
        greets(socket, ...rest);
      },
    ],
  ])('greets with %s', async (_name, behave, message = 'Hello, Alice') => {
    const client = await clientOf(behave, { fetch });
    expect(await client.greet('Alice')).toEqual({ message });
  });

  it('retries after 503, 502 and a response that is cut, and succeeds', async () => {
    const breakdowns = [
      answers(503),
      writes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{'),
      answers(502),
    ];
    const client = await clientOf(
      (socket, index, request) => (breakdowns[index] ?? greets)(socket, index, request),
      { fetch, attempts: 4 },
    );
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    expect(stub?.requests).toHaveLength(4);
  });

  describe.each([
    ['before the response', () => {}],
    [
      'in the body',
      writes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{', 'hold'),
    ],
    ['between attempts', answers(503, { 'retry-after': '3600' })],
  ] as const)('%s', (_moment, behave: Behaviour) => {
    it('can be cancelled', async () => {
      const controller = new AbortController();
      // Long enough that only the signal can end the call.
      const client = await clientOf(behave, { fetch, timeoutMs: 2 ** 31 - 1 });
      const greeting = errorOf(client.greet('Alice', { signal: controller.signal }));
      await until(() => stub?.requests.length === 1);
      // The response may have been read by now or not. The call ends in both cases.
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort('enough');
      expect(await greeting).toMatchObject({
        kind: 'cancelled',
        message: 'The call was cancelled.',
        cause: 'enough',
      });
      expect(stub?.requests).toHaveLength(1);
      expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
      await until(() => stub?.connections() === 0);
    });
  });
});

describe("the command's fetch", () => {
  it.each([0, 99, 600, 999])('rejects the status %i, which HTTP does not have', async (status) => {
    const code = String(status).padStart(3, '0');
    const client = await clientOf(writes(`HTTP/1.1 ${code} Odd\r\ncontent-length: 0\r\n\r\n`), {
      fetch: createNodeFetch({ useProxy: false }),
      attempts: 1,
    });
    expect(await errorOf(client.greet('Alice'))).toMatchObject({
      kind: 'unavailable',
      message: `${stub?.url}/greet cannot be reached: ${status} is not a status of an HTTP response`,
    });
  });
});

describe('the HTTP client', () => {
  it('sends nothing when the signal is aborted already', async () => {
    const client = await clientOf(greets);
    const error = await errorOf(client.greet('Alice', { signal: AbortSignal.abort() }));
    expect(error.kind).toBe('cancelled');
    expect(stub?.requests).toEqual([]);
  });

  it('removes its listener from the signal at the end of a call', async () => {
    const client = await clientOf(greets);
    const { signal } = new AbortController();
    await client.greet('Alice', { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('lets the program exit after a call that ended or was cancelled', async () => {
    const built = new URL('../../dist/client/http-node.js', import.meta.url);
    // The first call would wait for an hour, and is cancelled. The second one ends long before its timeout.
    const text = `
      import { createHttpClient } from '${built}';
      const answers = [new Response('', { status: 503, headers: { 'retry-after': '3600' } }), Response.json({ message: 'Hello' })];
      const client = createHttpClient({ url: 'http://localhost', timeoutMs: 7_200_000, fetch: async () => answers.shift() });
      await client.greet('Alice', { signal: AbortSignal.timeout(50) }).catch(({ kind }) => console.log(kind));
      console.log(await client.greet('Alice'));`;
    const { code, stdout } = await run(process.execPath, ['--input-type=module', '--eval', text]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: "cancelled\n{ message: 'Hello' }\n" });
  });

  it('ends at its timeout, or when it is cancelled, even if fetch ignores the signal', async () => {
    const fetch = () => new Promise<never>(() => {});
    const client = createHttpClient({ url: 'http://localhost', fetch, timeoutMs: 50 });
    expect((await errorOf(client.greet('Alice'))).kind).toBe('timeout');
    const aborted = createHttpClient({ url: 'http://localhost', fetch }).greet('A', {
      signal: AbortSignal.timeout(20),
    });
    expect((await errorOf(aborted)).kind).toBe('cancelled');
  });

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('waits as long as Retry-After asks, given as %s', async (_form, retryAfter) => {
    const times: number[] = [];
    const client = await clientOf((socket, index, request) => {
      times.push(performance.now());
      (index === 0 ? answers(503, { 'retry-after': retryAfter() }) : greets)(socket, index, request);
    });
    await client.greet('Alice');
    // A date has no fractions of a second. Without Retry-After the wait would be at most 100 ms.
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
  });

  it.each([
    ['seconds', '3600'],
    ['a date', 'Fri, 31 Dec 9999 23:59:59 GMT'],
  ])('does not wait if Retry-After, given as %s, is later than its timeout', async (_form, retryAfter) => {
    const client = await clientOf(
      answers(503, { ...problem, 'retry-after': retryAfter }, '{"detail":"Later."}'),
    );
    expect(await errorOf(client.greet('Alice'))).toMatchObject({ kind: 'unavailable', message: 'Later.' });
    expect(stub?.requests).toHaveLength(1);
  });

  it('keeps the members of a problem, and drops violations that are malformed', async () => {
    const errors = [
      { field: 'name', detail: 'is bad' },
      null,
      'x',
      { field: 1, detail: 'x' },
      { field: 'a' },
      [],
    ];
    const body = JSON.stringify({ detail: 'name is bad', errors, requestId: 'theirs' });
    const client = await clientOf(answers(400, { ...problem, 'x-request-id': 'r-1' }, body));
    expect(await errorOf(client.greet('Alice'))).toMatchObject({
      kind: 'invalid',
      message: 'name is bad',
      violations: [{ field: 'name', detail: 'is bad' }],
      requestId: 'r-1',
    });
  });

  it('does not follow a redirect', async () => {
    const other = await startHttpStub(greets);
    const client = await clientOf(answers(302, { location: `${other.url}/greet` }));
    const error = await errorOf(client.greet('Alice'));
    other.close();
    expect(error).toMatchObject({ kind: 'failed', message: expect.stringContaining(`(${other.url}/greet)`) });
    expect(other.requests).toEqual([]);
  });

  it.each<[title: string, behave: Behaviour]>([
    ['ready with 503', answersJson({ status: 'ready' }, 503)],
    ['draining with 200', answersJson({ status: 'draining' })],
    ['an unknown state', answersJson({ status: 'ok' })],
    ['HTML', answers(200, { 'content-type': 'text/html' }, 'ok')],
    ['404', answers(404)],
  ])('rejects readiness() for %s', async (_title, behave) => {
    const client = await clientOf(behave);
    expect(await errorOf(client.readiness())).toBeInstanceOf(GreetError);
    expect(stub?.requests).toHaveLength(1);
  });

  it('asks for readiness without a retry', async () => {
    const client = await clientOf((socket) => socket.destroy());
    expect((await errorOf(client.readiness())).kind).toBe('unavailable');
    expect(stub?.requests).toHaveLength(1);
  });

  it('rejects readiness() at its timeout', async () => {
    const client = await clientOf(() => {}, { timeoutMs: 50 });
    expect((await errorOf(client.readiness())).kind).toBe('timeout');
  });
});

describe('the options of the HTTP client', () => {
  const url = 'http://localhost:8080';

  it.each<[options: unknown, message: RegExp]>([
    [undefined, /^url: expected an HTTP URL such as http:\/\/localhost:8080, got undefined$/],
    [null, /^url: .*got undefined$/],
    [{}, /^url: .*got undefined$/],
    [{ url: '' }, /^url: .*got ""$/],
    [{ url: 42 }, /^url: .*got 42$/],
    [{ url: {} }, /^url: .*got a value of type object$/],
    [{ url: 'localhost:8080' }, /^url: .*got "localhost:8080"$/],
    [{ url: '/greet' }, /^url: /],
    [{ url: 'ftp://localhost' }, /^url: /],
    [{ url: 'http://localhost:99999' }, /^url: /],
    [{ url: 'http://a b' }, /^url: /],
    [{ url: new URL('file:///etc/passwd') }, /^url: /],
    [
      { url: `${url}?a=b` },
      /^url: .*without credentials, query or fragment, got "http:\/\/localhost:8080\?…"$/,
    ],
    [{ url: `${url}#a` }, /^url: .*without credentials/],
    [{ url: 'http://me:secret@localhost' }, /^url: .*without credentials.*got "http:\/\/…@localhost"$/],
    [{ url, timeoutMs: 0 }, /^timeoutMs: expected a whole number from 1 to 2147483647, got 0$/],
    [{ url, timeoutMs: -1 }, /^timeoutMs: /],
    [{ url, timeoutMs: 1.5 }, /^timeoutMs: /],
    [{ url, timeoutMs: Number.NaN }, /^timeoutMs: .*got NaN$/],
    [{ url, timeoutMs: Infinity }, /^timeoutMs: /],
    [{ url, timeoutMs: 2 ** 31 }, /^timeoutMs: /],
    [{ url, timeoutMs: '300' }, /^timeoutMs: .*got "300"$/],
    [{ url, timeoutMs: null }, /^timeoutMs: /],
    [{ url, attempts: 0 }, /^attempts: expected a whole number from 1 to 10, got 0$/],
    [{ url, attempts: 11 }, /^attempts: /],
    [{ url, attempts: 'many' }, /^attempts: /],
    [{ url, fetch: 'fetch' }, /^fetch: expected a function, got "fetch"$/],
    [{ url, inject: {} }, /^inject: expected a function, got a value of type object$/],
  ])('are refused: %j', (options, message) => {
    const create = () => createHttpClient(options as HttpClientOptions);
    expect(create).toThrow(TypeError);
    expect(create).toThrow(message);
  });

  it.each([
    'http://me:secret@localhost:8080',
    'http://me:secret@localhost:8080/?a',
    'http://me:sec?ret@localhost',
    'http://me:sec#ret@localhost',
    'http://me:sec/ret@localhost',
    'http://me:sec ret@localhost',
    'me:secret@localhost:8080',
    'https://secret@localhost',
    'http://localhost/?token=secret',
  ])('never show a password: %s', (secret) => {
    for (const one of [secret, URL.canParse(secret) ? new URL(secret) : secret]) {
      const message = messageOf(() => createHttpClient({ url: one }));
      expect(message).toMatch(/^url: expected an HTTP URL/);
      expect(message).not.toMatch(/sec|ret/);
    }
  });

  it.each([
    ['a URL object', (text: string) => new URL(text), '/greet'],
    ['a closing slash', (text: string) => `${text}/`, '/greet'],
    ['a path', (text: string) => new URL('/api/v1/', text), '/api/v1/greet'],
    ['capitals', (text: string) => text.replace('http', 'HTTP'), '/greet'],
  ])('accept %s', async (_title, urlOf, path) => {
    stub = await startHttpStub(greets);
    await createHttpClient({ url: urlOf(stub.url) }).greet('Zoë & Bob');
    expect(stub.requests[0]).toMatch(new RegExp(`^GET ${path}\\?name=Zo%C3%AB%20%26%20Bob HTTP/1.1\r\n`));
  });
});

describe('the options of a call over HTTP', () => {
  const greetWith = async (name: unknown, options?: unknown, inject?: HttpClientOptions['inject']) => {
    const client = await clientOf(greets, { inject });
    return client.greet(name as string, options as object);
  };

  it.each([[undefined], [null], [42], [{}], [['Alice']]])('refuses the name %j', async (name) => {
    const detail = 'must be a string';
    const error = await errorOf(greetWith(name));
    expect(error).toMatchObject({
      kind: 'invalid',
      message: `name ${detail}`,
      violations: [{ field: 'name', detail }],
    });
    expect(stub?.requests).toEqual([]);
  });

  it.each([[''], ['a b'], ['a\r\nb'], ['é'], ['x'.repeat(129)], [42], [{}]])(
    'refuses the request id %j',
    async (requestId) => {
      const error = await errorOf(greetWith('Alice', { requestId }));
      expect(error).toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(/^requestId: expected 1 to 128/),
      });
      const client = await clientOf(greets);
      expect((await errorOf(client.readiness({ requestId: requestId as string }))).kind).toBe('refused');
      expect(stub?.requests).toEqual([]);
    },
  );

  it.each([[{}], ['now'], [AbortSignal], [new AbortController()]])(
    'refuses the signal %j',
    async (signal) => {
      const error = await errorOf(greetWith('Alice', { signal }));
      expect(error).toMatchObject({
        kind: 'refused',
        message: expect.stringMatching(/^signal: expected an AbortSignal/),
      });
    },
  );

  it('treats null as unset', async () => {
    for (const options of [
      null,
      { signal: null, requestId: null },
      { signal: undefined, requestId: undefined },
    ])
      expect(await greetWith('Alice', options)).toEqual({ message: 'Hello, Alice' });
  });

  it.each<[title: string, inject: HttpClientOptions['inject'], message: RegExp]>([
    [
      'throws',
      () => {
        throw new Error('no context');
      },
      /no context/,
    ],
    [
      'throws undefined',
      () => {
        throw undefined;
      },
      /undefined/,
    ],
    [
      'adds a name that is not valid',
      (carrier) => {
        carrier['a b'] = 'c';
      },
      /a b/,
    ],
    [
      'adds a value with a line break',
      (carrier) => {
        carrier.a = 'b\r\nc';
      },
      /header value/,
    ],
  ])('refuses a call whose inject %s', async (_title, inject, message) => {
    const error = await errorOf(greetWith('Alice', {}, inject));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) });
    expect(stub?.requests).toEqual([]);
  });

  it('sends the injected headers, but its own Accept and X-Request-Id', async () => {
    const inject = (carrier: Record<string, string>) =>
      Object.assign(carrier, { traceparent: 'a', Accept: 'text/plain', 'X-Request-Id': 'theirs' });
    await greetWith('Alice', { requestId: 'mine' }, inject);
    const lines = stub?.requests[0]?.split('\r\n');
    expect(lines).toEqual(
      expect.arrayContaining(['traceparent: a', 'accept: application/json', 'x-request-id: mine']),
    );
    expect(lines?.filter((line) => /^accept:|^x-request-id:/i.test(line))).toHaveLength(2);
  });

  it.each<[title: string, fetch: unknown]>([
    [
      'throws',
      () => {
        throw new Error('offline');
      },
    ],
    ['resolves with undefined', async () => undefined],
    ['resolves without headers', async () => ({ status: 200 })],
    ['rejects with undefined', () => Promise.reject()],
  ])('rejects with a GreetError if fetch %s', async (_title, fetch) => {
    const client = createHttpClient({
      url: 'http://localhost',
      attempts: 1,
      fetch: fetch as typeof globalThis.fetch,
    });
    expect((await errorOf(client.greet('Alice'))).kind).toBe('unavailable');
  });
});

describe('the HTTP client for browsers, which checks fewer options', () => {
  it.each([
    [{}],
    [undefined],
    [{ url: 'localhost:8080' }],
    [{ url: 'http://me:secret@localhost' }],
    [{ url: 'http://localhost?a' }],
  ])('refuses %j', (options) => {
    const message = messageOf(() => createBrowserClient(options as HttpClientOptions));
    expect(message).toBe('url: expected http(s)://host[:port][/path]');
  });

  it.each<[options: unknown, kind: string]>([
    [{ requestId: 'a\r\nb' }, 'refused'],
    [{ requestId: 'é\u1234' }, 'refused'],
    [{ signal: {} }, 'refused'],
    [{ signal: 'now' }, 'refused'],
    [{ signal: AbortSignal.abort() }, 'cancelled'],
  ])('rejects with a GreetError for %j', async (options, kind) => {
    stub = await startHttpStub(greets);
    const client = createBrowserClient({ url: stub.url });
    for (const call of [client.greet('Alice', options as object), client.readiness(options as object)])
      expect((await errorOf(call)).kind).toBe(kind);
    expect((await errorOf(client.greet(undefined as unknown as string))).kind).toBe('invalid');
    expect(stub.requests).toEqual([]);
  });

  it('accepts null as options, and rejects with a GreetError if inject is not a function', async () => {
    stub = await startHttpStub(greets);
    const { url } = stub;
    expect(await createBrowserClient({ url }).greet('Alice', null as unknown as object)).toEqual({
      message: 'Hello, Alice',
    });
    const inject = 'no function' as unknown as () => void;
    expect((await errorOf(createBrowserClient({ url, inject }).greet('Alice'))).kind).toBe('refused');
  });
});

function messageOf(create: () => unknown): string {
  try {
    create();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was taken');
}
