import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { grpcClientOf } from '../support/clients.ts';
import {
  begin,
  callHeaders,
  isHttp2Sound,
  preface,
  frame as raw,
  settings,
  types,
} from '../support/http2-frames.ts';
import { startTestService, type TestService, untilRead } from '../support/service.ts';

/** A message with its prefix of five bytes (gRPC over HTTP/2: Length-Prefixed-Message). */
function frame(message: Buffer, { compressed = 0, length = message.length } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

describe('the gRPC listener', () => {
  let service: TestService;
  let session: ClientHttp2Session;
  beforeAll(async () => {
    service = await startTestService();
    session = connect(`http://${service.urls.grpc}`).on('error', () => {});
    await once(session, 'remoteSettings');
  });
  afterAll(async () => {
    session.destroy();
    await service.drain();
  });

  const hello = frame(greetService.Greet.requestSerialize({ message: 'Alice' }));
  const ask = async (headers: Record<string, string>, body: Buffer, on = session) => {
    const stream = on.request({
      ':method': 'POST',
      ':path': greetService.Greet.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let answer: Record<string, unknown> = {};
    stream.on('response', (received) => {
      answer = { ...answer, ...received };
    });
    stream.on('trailers', (received) => {
      answer = { ...answer, ...received };
    });
    stream.resume().end(body);
    await once(stream, 'close');
    return answer;
  };
  const expectGreeting = async () => {
    const client = grpcClientOf(service);
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    client.close();
  };

  it('answers a call that is made of single frames', async () => {
    const headers = await ask({}, hello);
    expect(headers).toMatchObject({ ':status': 200, 'grpc-status': '0' });
    // Neither `grpc-encoding: identity` nor a message for OK.
    expect(Object.keys(headers).sort()).toEqual([
      ':status',
      'content-type',
      'date',
      'grpc-accept-encoding',
      'grpc-status',
      'x-request-id',
    ]);
  });

  it.each<[string, Record<string, string>, Buffer, status]>([
    [
      'a message that announces 5 MB',
      {},
      frame(Buffer.alloc(0), { length: 5_000_000 }),
      status.RESOURCE_EXHAUSTED,
    ],
    ['a message of 5 MB', {}, frame(Buffer.alloc(5_000_000)), status.RESOURCE_EXHAUSTED],
    ['no message at all', {}, Buffer.alloc(0), status.UNIMPLEMENTED],
    ['two messages', {}, Buffer.concat([hello, hello]), status.UNIMPLEMENTED],
    [
      'an unknown compression',
      { 'grpc-encoding': 'zip' },
      frame(hello, { compressed: 1 }),
      status.UNIMPLEMENTED,
    ],
    [
      'compressed random bytes',
      { 'grpc-encoding': 'gzip' },
      frame(Buffer.from('noise'), { compressed: 1 }),
      status.INTERNAL,
    ],
    ['a bad grpc-timeout', { 'grpc-timeout': 'soon' }, hello, status.INTERNAL],
    ['an unknown method', { ':path': '/greet.GreetService/Nope' }, hello, status.UNIMPLEMENTED],
    ['an unknown service', { ':path': '/nope' }, hello, status.UNIMPLEMENTED],
  ])('answers %s with a gRPC status', async (_title, headers, body, expected) => {
    expect(await ask(headers, body)).toMatchObject({ ':status': 200, 'grpc-status': String(expected) });
    await expectGreeting();
  });

  it('answers 415 to another content type', async () => {
    expect(await ask({ 'content-type': 'application/json' }, hello)).toMatchObject({ ':status': 415 });
  });

  it('survives a thousand streams that are reset as they open', async () => {
    const flood = connect(`http://${service.urls.grpc}`).on('error', () => {});
    const streams = Array.from({ length: 1_000 }, () =>
      flood.request({
        ':method': 'POST',
        ':path': greetService.Greet.path,
        'content-type': 'application/grpc',
      }),
    );
    const closed = streams.map((stream) =>
      once(
        stream.on('error', () => {}),
        'close',
      ),
    );
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    await Promise.all(closed);
    await untilRead(service);
    flood.destroy();
    await expectGreeting();
  });

  it('survives random bytes instead of HTTP/2', async () => {
    const { port } = new URL(`http://${service.urls.grpc}`);
    for (const bytes of [
      'GET / HTTP/1.1\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'.padEnd(4_096, '\u0000'),
      '\u0016\u0003\u0001',
    ]) {
      const socket = connectTcp(Number(port), 'localhost').on('error', () => {});
      socket.end(bytes);
      await once(socket.resume(), 'close');
    }
    await expectGreeting();
  });

  it.skipIf(!isHttp2Sound)('survives a frame of the wrong size after a connection error', async () => {
    const { port } = new URL(`http://${service.urls.grpc}`);
    const socket = connectTcp(Number(port), 'localhost').on('error', () => {});
    const frames = [
      begin(0),
      // HEADERS on stream 0, which is a connection error, and a WINDOW_UPDATE that is one byte too short.
      raw(types.headers, { stream: 0, payload: callHeaders() }),
      raw(types.windowUpdate, { payload: Buffer.alloc(3) }),
    ];
    socket.end(Buffer.concat([preface, settings(3, 100), ...frames]));
    await new Promise((resolve) => socket.resume().once('close', resolve));
    await expectGreeting();
  });

  it.each([
    '/grpc.health.v1.Health/Check',
    '/grpc.health.v1.Health/Watch',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  ])('answers INVALID_ARGUMENT to a malformed message for %s', async (path) => {
    const answer = await ask({ ':path': path }, frame(Buffer.from([0x1f, 0xff, 0xff])));
    expect(answer).toMatchObject({ 'grpc-status': String(status.INVALID_ARGUMENT) });
    await expectGreeting();
  });

  it('answers NOT_FOUND to reflection for a name that every JavaScript object has', async () => {
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    for (const tag of [0x1a, 0x22, 0x32]) {
      const message = Buffer.concat([Buffer.from([tag, 11]), Buffer.from('constructor')]);
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
      });
      let answer = '';
      stream.setEncoding('latin1').on('data', (text) => {
        answer += text;
      });
      stream.end(frame(message));
      await once(stream, 'close');
      // An error_response (field 7) whose code (field 1) is NOT_FOUND.
      expect(answer).toMatch(/:.\u0008\u0005/s);
    }
  });

  it('allows a hundred concurrent calls on a connection', () => {
    expect(session.remoteSettings.maxConcurrentStreams).toBe(100);
  });
});
