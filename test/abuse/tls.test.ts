import { once } from 'node:events';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLimits } from '../../src/net/limits.ts';
import { begin, flags, frame, header, preface, reset, settings, types } from '../support/http2-frames.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../support/tls.ts';

describe('the HTTP/2 listener, with its real limits,', () => {
  let folder: TlsFolder;
  let service: TestService;
  let ca: string;
  beforeAll(async () => {
    folder = await createTlsFolder();
    ca = folder.authority.cert;
    service = await startTestService(folder.env, defaultLimits);
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  /** A TLS connection on which the test writes its own HTTP/2 frames. */
  const openRaw = async () => {
    const socket = await connectTls(service.urls.http, { ca, ALPNProtocols: ['h2'] });
    socket.write(Buffer.concat([preface, frame(types.settings)]));
    return socket;
  };
  const greet = async () => {
    const session = connect(service.urls.http, { ca });
    const text = Buffer.concat(await session.request({ ':path': '/greet?name=Alice' }).toArray()).toString();
    session.close();
    return text;
  };
  const request = Buffer.concat([
    header(':method', 'GET'),
    header(':scheme', 'https'),
    header(':path', '/greet?name=a'),
    header(':authority', 'greet'),
  ]);
  const whole = flags.endHeaders | flags.endStream;

  it.each<[string, (index: number) => Buffer]>([
    ['requests that are cancelled', (index) => Buffer.concat([begin(index, request, whole), reset(index)])],
    ['pings', () => frame(types.ping, { payload: Buffer.alloc(8) })],
    ['settings', () => settings(4, 65_535)],
  ])('withstands a flood of %s', async (_title, pieceOf) => {
    const socket = await openRaw();
    // The client reads nothing, so the responses to its flood wait.
    socket.pause();
    socket.on('error', () => {});
    for (let batch = 0; batch < 40 && !socket.destroyed; batch += 1) {
      socket.write(Buffer.concat(Array.from({ length: 250 }, (_, index) => pieceOf(batch * 250 + index))));
      await sleep(5);
    }
    expect(await greet()).toBe('Hello, Alice');
    socket.destroy();
  });

  it('closes a connection whose requests are cancelled as fast as they arrive', async () => {
    const socket = await openRaw();
    socket.on('error', () => {}).resume();
    const closed = once(socket, 'close');
    for (let index = 0; index < 5_000 && socket.writable; index += 100) {
      const pieces = Array.from({ length: 100 }, (_, offset) =>
        Buffer.concat([begin(index + offset, request, whole), reset(index + offset)]),
      );
      socket.write(Buffer.concat(pieces));
      await sleep(2);
    }
    await closed;
    expect(await greet()).toBe('Hello, Alice');
  });
});
