import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { gzipSync } from 'node:zlib';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type CallAnswer, callByHand } from '../support/grpc-call.ts';
import { hello, message } from '../support/http2-frames.ts';
import { shortLimits, startTestService, type TestService, until } from '../support/service.ts';

const alice = Buffer.from('\u000a\u0005Alice');
const greeting = message(Buffer.from('\u000a\u000cHello, Alice'));
const greet = 'greet.GreetService/Greet';
const reflection = 'grpc.reflection.v1.ServerReflection/ServerReflectionInfo';

/** The bytes before a message: a flag and a length. */
const prefix = (flag: number, length: number) => Buffer.from([flag, 0, 0, length >> 8, length & 255]);
const compressed = (bytes: Buffer) => message(gzipSync(bytes), true);

type Case = readonly [title: string, headers: OutgoingHttpHeaders, chunks: readonly Buffer[]];

describe('calls that no handler gets', () => {
  let service: TestService;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    service = await startTestService({}, shortLimits);
    session = connect(`http://${service.urls.grpc}`).on('error', () => {});
  });
  afterAll(async () => {
    session.destroy();
    await service.drain();
  });

  const linesOf = (...messages: string[]) => service.lines.filter(({ msg }) => messages.includes(msg));
  /** The calls that the metrics count, by their labels. */
  const counted = async () => {
    const text = await (await fetch(`${service.urls.admin}/metrics`)).text();
    const samples = text.matchAll(/^rpc_server_call_duration_seconds_count\{(.*)\} (\d+)$/gm);
    return new Map(Array.from(samples, ([, labels = '', count]) => [labels, Number(count)] as const));
  };
  let linesBefore = 0;
  let countedBefore = new Map<string, number>();
  beforeEach(async () => {
    linesBefore = linesOf('call', 'call refused').length;
    countedBefore = await counted();
  });

  /** The call was refused, counted and logged, each once, and the next one is greeted. */
  const expectRefusal = async (
    { headers }: CallAnswer,
    code: status,
    { method = greet, requestId = expect.any(String) as string, hasPeer = true } = {},
  ) => {
    await until(
      () => linesOf('call refused').length > 0 && linesOf('call', 'call refused').length > linesBefore,
    );
    expect(linesOf('call', 'call refused').slice(linesBefore)).toEqual([
      {
        level: 'info',
        time: expect.any(String),
        requestId,
        method,
        ...(hasPeer && { client: '127.0.0.1' }),
        code: status[code],
        reason: expect.stringMatching(/^[A-Z].*\.$/),
        msg: 'call refused',
      },
    ]);
    const [line] = linesOf('call refused').slice(-1);
    const label = `service="unmatched",method="unmatched",status="${status[code]}"`;
    const after = await counted();
    const changed = [...after].filter(([labels, count]) => count !== (countedBefore.get(labels) ?? 0));
    expect(changed).toEqual([[label, (countedBefore.get(label) ?? 0) + 1]]);
    if (headers[':status'] === 200 && headers['grpc-status'] !== undefined) {
      expect(headers).toMatchObject({
        'grpc-status': String(code),
        'grpc-message': encodeURI(String(line?.reason)),
        'x-request-id': line?.requestId,
      });
    }
    await expectGreeting(await callByHand(session, {}, [message(alice)]));
    return headers;
  };
  const expectGreeting = async (answer: CallAnswer) => {
    expect(answer.headers).toMatchObject({ ':status': 200, 'grpc-status': '0' });
    expect(answer.body).toEqual(greeting);
  };

  describe('because of their headers', () => {
    it.each(['GET', 'HEAD', 'PUT', 'OPTIONS', 'post', 'FOO'])('answers 405 to %s', async (method) => {
      const answer = await callByHand(
        session,
        { ':method': method },
        method === 'PUT' ? [message(alice)] : [],
      );
      expect(answer.headers).toMatchObject({
        ':status': 405,
        allow: 'POST',
        'x-request-id': expect.any(String),
      });
      expect(answer.body.toString()).toBe(
        method === 'HEAD' ? '' : 'This port speaks gRPC, whose calls are POST requests over HTTP/2.\n',
      );
      await expectRefusal(answer, status.INTERNAL);
    });

    it.each([
      undefined,
      '',
      'application/json',
      'text/plain',
      'application/grpcx',
      'application/grpc-web',
      'application/grpc-web+proto',
      'application/grpc+json',
      'application/grpc+proto2',
      'application/grpc charset=utf-8',
      'application/grpc, application/grpc',
    ])('answers 415 to the content type %s', async (type) => {
      const answer = await callByHand(session, { 'content-type': type }, [message(alice)]);
      expect(answer.headers).toMatchObject({ ':status': 415, 'x-request-id': expect.any(String) });
      expect(answer.body.toString()).toMatch(
        /^This port speaks gRPC: the content type must be application\/grpc /,
      );
      await expectRefusal(answer, status.INVALID_ARGUMENT);
    });

    it.each([
      'application/grpc',
      'application/grpc+proto',
      'Application/GRPC+Proto',
      'application/grpc;charset=utf-8',
      'application/grpc+proto ; a=b',
    ])('takes the content type %s', async (type) => {
      await expectGreeting(await callByHand(session, { 'content-type': type }, [message(alice)]));
    });

    it.each([
      '/',
      '/nope',
      '/greet.GreetService/Nope',
      '/greet.GreetService/greet',
      '/greet.GreetService/Greet/',
      '/greet.GreetService/Greet?a',
      '//greet.GreetService/Greet',
      '/constructor',
      `/${'a'.repeat(3_000)}`,
    ])('answers UNIMPLEMENTED to the method %s, and repeats it nowhere', async (path) => {
      const answer = await callByHand(session, { ':path': path }, [message(alice)]);
      await expectRefusal(answer, status.UNIMPLEMENTED, { method: 'unmatched' });
    });

    it.each([
      'soon',
      '',
      '1',
      'S',
      '-1S',
      '+1S',
      '1.5S',
      '1 S',
      '1S1',
      '1s',
      '1Sx',
      '0x1S',
      '123456789S',
      '1S, 1S',
    ])('answers INTERNAL to the timeout "%s"', async (timeout) => {
      const answer = await callByHand(session, { 'grpc-timeout': timeout }, [message(alice)]);
      await expectRefusal(answer, status.INTERNAL);
    });

    it.each(['5S', '1M', '1H', '60000m', '99999999u', '12345678S', '2562047H', '99999999H'])(
      'takes the timeout %s',
      async (timeout) => {
        await expectGreeting(await callByHand(session, { 'grpc-timeout': timeout }, [message(alice)]));
      },
    );

    it.each(['zip', 'br', 'GZIP', 'gzip, gzip', ''])(
      'answers UNIMPLEMENTED to the encoding "%s", and says which it takes, also if nothing is compressed',
      async (encoding) => {
        const answer = await callByHand(session, { 'grpc-encoding': encoding }, [message(alice)]);
        await expectRefusal(answer, status.UNIMPLEMENTED);
        expect(answer.headers['grpc-accept-encoding']).toBe('identity,deflate,gzip');
      },
    );

    it('answers RESOURCE_EXHAUSTED to metadata that is too long', async () => {
      const answer = await callByHand(session, { a: 'a'.repeat(9_000) }, [message(alice)]);
      await expectRefusal(answer, status.RESOURCE_EXHAUSTED);
    });
  });

  describe('because of their frames', () => {
    const gzip = { 'grpc-encoding': 'gzip' };
    it.each<Case>([
      ['a compressed flag without an encoding', {}, [message(alice, true)]],
      ['a compressed flag for identity', { 'grpc-encoding': 'identity' }, [message(alice, true)]],
      ['a flag of 2', {}, [prefix(2, alice.length), alice]],
      ['a flag of 2 before a length above the limit', {}, [prefix(2, 0xffff), alice]],
      ['a flag of 255', gzip, [Buffer.concat([prefix(255, alice.length), alice])]],
      ['a flag of 3 in a message in pieces', {}, [Buffer.from([3]), prefix(0, 7).subarray(1), alice]],
      ['a flag of 2 behind a message', {}, [Buffer.concat([message(alice), prefix(2, 0)])]],
      ['one byte behind a message', {}, [Buffer.concat([message(alice), Buffer.from([0])])]],
      ['one byte in a frame of its own behind a message', {}, [message(alice), Buffer.from([0])]],
      ['a prefix without a message behind a message', {}, [message(alice), prefix(0, 7)]],
      ['a message that is cut', {}, [message(alice).subarray(0, -1)]],
      ['a prefix that is cut', {}, [Buffer.from([0, 0, 0])]],
      ['a prefix alone', {}, [prefix(0, 7)]],
      ['a compressed message that is cut', gzip, [compressed(alice).subarray(0, -1)]],
    ])('answers INTERNAL to %s', async (_title, headers, chunks) => {
      await expectRefusal(await callByHand(session, headers, chunks), status.INTERNAL);
    });

    it.each<Case>([
      ['a message byte by byte', {}, Array.from(message(alice), (byte) => Buffer.from([byte]))],
      ['a prefix in a frame of its own', {}, [prefix(0, alice.length), alice]],
      ['an empty frame before and after', {}, [Buffer.alloc(0), message(alice), Buffer.alloc(0)]],
      ['a compressed message', gzip, [compressed(alice)]],
      [
        'a compressed message in pieces',
        gzip,
        [compressed(alice).subarray(0, 9), compressed(alice).subarray(9)],
      ],
      ['a message that is not compressed, though it could be', gzip, [message(alice)]],
      ['the encoding identity', { 'grpc-encoding': 'identity' }, [message(alice)]],
    ])('takes %s', async (_title, headers, chunks) => {
      await expectGreeting(await callByHand(session, headers, chunks));
    });
  });

  describe('because grpc-js refuses them', () => {
    const gzip = { 'grpc-encoding': 'gzip' };
    it.each<readonly [...Case, code: status]>([
      ['a message that announces 4 kB and a byte', {}, [prefix(0, 4_097)], status.RESOURCE_EXHAUSTED],
      ['a message of 5 MB', {}, [message(Buffer.alloc(5_000_000))], status.RESOURCE_EXHAUSTED],
      ['a message of 5 kB, compressed', gzip, [compressed(Buffer.alloc(5_000))], status.RESOURCE_EXHAUSTED],
      ['compressed noise', gzip, [message(Buffer.from('noise'), true)], status.INTERNAL],
      ['gzip as deflate', { 'grpc-encoding': 'deflate' }, [compressed(alice)], status.INTERNAL],
      ['no message', {}, [], status.UNIMPLEMENTED],
      ['two messages', {}, [Buffer.concat([message(alice), hello])], status.UNIMPLEMENTED],
      ['two messages in frames of their own', {}, [message(alice), hello], status.UNIMPLEMENTED],
    ])('tells it of %s', async (_title, headers, chunks, code) => {
      await expectRefusal(await callByHand(session, headers, chunks), code);
    });

    it('tells a deadline that passes before the message', async () => {
      const answer = await callByHand(session, { 'grpc-timeout': '50m' }, [], { isEnded: false });
      await expectRefusal(answer, status.DEADLINE_EXCEEDED);
    });
  });

  it('refuses a request that does not arrive in time', async () => {
    const answer = await callByHand(session, {}, [prefix(0, 7)], { isEnded: false });
    await expectRefusal(answer, status.DEADLINE_EXCEEDED);
  });

  it.each([
    ['HTTP/1.1', 'GET / HTTP/1.1\r\nHost: greet\r\n\r\n'],
    ['TLS', Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3, ...Array<number>(32).fill(7)])],
  ])('counts a connection that speaks %s', async (_title, bytes) => {
    const { hostname, port } = new URL(`http://${service.urls.grpc}`);
    const socket = connectTcp(Number(port), hostname).on('error', () => {});
    socket.resume().write(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    const none = { headers: {}, body: Buffer.alloc(0), rstCode: undefined };
    await expectRefusal(none, status.INTERNAL, { method: 'unmatched', hasPeer: false });
  });

  it('takes the request id of the client, and makes one instead of a bad one', async () => {
    const answer = await callByHand(session, { 'x-request-id': 'mine', ':path': '/nope' }, []);
    await expectRefusal(answer, status.UNIMPLEMENTED, { method: 'unmatched', requestId: 'mine' });
    const other = await callByHand(session, { 'x-request-id': 'a b', ':path': '/nope' }, []);
    expect(other.headers['x-request-id']).toMatch(/^[0-9a-f]{16}-/);
  });

  describe('on a stream of requests whose answer has begun', () => {
    const list = message(Buffer.from('\u003a\u0000'));
    const open = { ':path': `/${reflection}` };

    it.each<Case>([
      ['a flag of 2', open, [list, prefix(2, 0)]],
      ['a compressed flag without an encoding', open, [list, message(alice, true)]],
      ['a message that is cut', open, [list, list.subarray(0, -1)]],
    ])('resets the stream for %s', async (_title, headers, chunks) => {
      const answer = await callByHand(session, headers, chunks);
      expect(answer.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
      await expectRefusal(answer, status.INTERNAL, { method: reflection });
    });

    it.each<readonly [...Case, code: status]>([
      ['a message that is too long', open, [list, prefix(0, 5_000)], status.RESOURCE_EXHAUSTED],
      [
        'compressed noise',
        { ...open, 'grpc-encoding': 'gzip' },
        [list, message(Buffer.from('noise'), true)],
        status.INTERNAL,
      ],
    ])('ends it with a status for %s', async (_title, headers, chunks, code) => {
      const answer = await callByHand(session, headers, chunks);
      expect(answer.body.length).toBeGreaterThan(0);
      await expectRefusal(answer, code, { method: reflection });
    });
  });

  it('counts a deadline that passes in a handler as one of the method, once', async () => {
    await fetch(`${service.urls.admin}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ delayMs: 10_000 }),
    });
    const { headers } = await callByHand(session, { 'grpc-timeout': '50m' }, [message(alice)]);
    await fetch(`${service.urls.admin}/faults`, { method: 'DELETE' });
    expect(headers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
    await until(() => linesOf('call', 'call refused').length > linesBefore);
    expect(linesOf('call', 'call refused').slice(linesBefore)).toMatchObject([
      { msg: 'call', method: greet, code: 'DEADLINE_EXCEEDED' },
    ]);
  });
});

describe('calls above the limit of open ones', () => {
  it('are reset with REFUSED_STREAM, counted and logged', async () => {
    const service = await startTestService({}, { ...shortLimits, maxStreams: 1 });
    const session = connect(`http://${service.urls.grpc}`).on('error', () => {});
    const greetOnce = () => callByHand(session, {}, [message(alice)]);
    // It never ends. A sweep counts it as soon as its request is complete.
    const watch = callByHand(session, { ':path': '/grpc.health.v1.Health/Watch' }, [
      message(Buffer.alloc(0)),
    ]);
    let answer = await greetOnce();
    while (answer.rstCode === constants.NGHTTP2_NO_ERROR) answer = await greetOnce();
    expect(answer).toMatchObject({ headers: {}, rstCode: constants.NGHTTP2_REFUSED_STREAM });
    expect(service.lines.filter(({ msg }) => msg === 'call refused')).toMatchObject([
      { method: greet, code: 'UNAVAILABLE', client: '127.0.0.1', reason: 'Too many calls are open.' },
    ]);
    const metrics = await (await fetch(`${service.urls.admin}/metrics`)).text();
    expect(metrics).toContain(
      'rpc_server_call_duration_seconds_count{service="unmatched",method="unmatched",status="UNAVAILABLE"} 1\n',
    );
    session.destroy();
    await watch;
    await service.drain();
  });
});
