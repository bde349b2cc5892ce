import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, untilRead } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { untilRefused } from '../support/until-refused.ts';

const greeting = 'GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n';

let folder: TlsFolder;
beforeAll(async () => {
  folder = await createTlsFolder();
});
afterAll(() => folder.dispose());

describe.each(['HTTP', 'HTTPS'])('the drain over %s', (protocol) => {
  const isSecure = protocol === 'HTTPS';
  const start = () => startTestService(isSecure ? folder.env : {});
  const open = async ({ urls }: TestService): Promise<Socket> => {
    const { hostname: host, port } = new URL(urls.http);
    const socket = isSecure
      ? connectTls({ host, port: Number(port), ca: folder.authority.cert, ALPNProtocols: ['http/1.1'] })
      : connect({ host, port: Number(port) });
    await once(socket, isSecure ? 'secureConnect' : 'connect');
    return socket;
  };

  it('closes connections without a request, which browsers open in advance', async () => {
    const service = await start();
    const sockets = await Promise.all([open(service), open(service), open(service)]);
    await untilRead(service);
    const closed = Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
    await service.drain();
    await closed;
    expect(service.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('waits for a request whose headers have begun to arrive', async () => {
    const service = await start();
    const socket = await open(service);
    socket.write(greeting.slice(0, 20));
    await untilRead(service);
    const drained = service.drain();
    await untilRefused(service.urls.http);
    socket.write(greeting.slice(20));
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/\r\n\r\nHello, Alice$/);
    await drained;
  });
});
