import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawConnections } from '../support/raw-connections.ts';
import { startTestService, until, untilRead } from '../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { createTlsClients } from '../support/tls-clients.ts';
import { untilRefused } from '../support/until-refused.ts';

describe('the drain over TLS', () => {
  let folder: TlsFolder;
  let ca: string;
  beforeAll(async () => {
    folder = await createTlsFolder();
    ca = folder.authority.cert;
  });
  afterAll(() => folder.dispose());

  it('sends GOAWAY over HTTP/2, goes on serving, and loses no request', async () => {
    const service = await startTestService(folder.env);
    let answered = 0;
    const failures: unknown[] = [];
    const goaways: number[] = [];
    const greet = async (session: ClientHttp2Session) => {
      const response = await session.request({ ':path': '/greet?name=Alice' }).toArray();
      const text = Buffer.concat(response).toString();
      if (text !== 'Hello, Alice') throw new Error(text);
      answered += 1;
    };
    /** Sends one request after another, and opens a new connection after each GOAWAY, until none is accepted. */
    const client = async () => {
      for (;;) {
        // A connection may be refused: the listener closes during the drain.
        const session = connect(service.urls.http, { ca }).on('error', () => {});
        session.on('goaway', (code) => goaways.push(code));
        await Promise.race([once(session, 'connect'), once(session, 'close')]).catch(() => {});
        if (session.closed || session.destroyed) return;
        while (!session.closed && !session.destroyed)
          await greet(session).catch((error) => failures.push(error));
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    await until(() => answered > 8);
    // The first step of the drain lasts until clients have been sent away from second connections, too.
    service.readiness.become('draining');
    await until(() => goaways.length > 16);
    await service.drain();
    await clients;
    expect(failures).toEqual([]);
    expect(new Set(goaways)).toEqual(new Set([constants.NGHTTP2_NO_ERROR]));
  });

  it('sends Connection: close over HTTP/1.1, and waits for a request that has begun', async () => {
    const service = await startTestService(folder.env);
    const socket = await connectTls(service.urls.http, { ca });
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n');
    await untilRead(service);
    const drained = service.drain();
    await untilRefused(service.urls.http);
    socket.write('\r\n');
    const response = Buffer.concat(await socket.toArray()).toString();
    expect(response).toContain('connection: close');
    expect(response).toMatch(/Hello, Alice$/);
    await drained;
  });

  it('cuts incomplete handshakes, incomplete requests and unread responses after the shutdown timeout', async () => {
    const service = await startTestService({ ...folder.env, SHUTDOWN_TIMEOUT_MS: '100' });
    const handshakes = [service.urls.http, service.urls.grpc].map((url) => new RawConnections(url).open());
    await Promise.all(handshakes.map((socket) => once(socket, 'connect')));
    const incomplete = await connectTls(service.urls.http, { ca });
    incomplete.on('error', () => {}).write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n');
    const session = createTlsClients(service.urls.http, ca).openSession({
      settings: { initialWindowSize: 0 },
    });
    const unread = session.request({ ':path': '/greet?name=Alice' }).on('error', () => {});
    await once(unread, 'response');
    const closed = Promise.all(
      [...handshakes, incomplete.resume(), unread].map((each) => once(each, 'close')),
    );
    await service.drain();
    await closed;
    expect(service.lines.map(({ msg }) => msg)).toContain(
      'closing connections whose requests did not end in time',
    );
  });
});
