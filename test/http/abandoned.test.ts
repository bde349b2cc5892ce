import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Operation, operations } from '../../src/operations.ts';
import { type Service, startService } from '../../src/service.ts';
import { createTestTelemetry, type LogLine, until } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';

const request = 'GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n';

describe('a request whose client leaves before it is answered', () => {
  let folder: TlsFolder | undefined;
  let service: Service;
  let lines: readonly LogLine[];
  let answer: (outcome: () => { message: string }) => void;
  beforeEach(() => {
    folder = undefined;
  });
  afterEach(async () => {
    await service.drain();
    await folder?.dispose();
  });

  /** A service that greets when the test says so. */
  const start = async ({ isTls = false } = {}) => {
    if (isTls) folder = await createTlsFolder();
    const held = new Promise<() => { message: string }>((resolve) => {
      answer = resolve;
    });
    const { lines: written, ...options } = await createTestTelemetry(folder?.env);
    lines = written;
    const [operation] = operations as readonly [Operation];
    const call = async () => (await held)();
    service = await startService({ ...options, operations: [{ ...operation, call }] });
  };
  const hello = () => ({ message: 'Hello, Alice' });
  const fail = () => {
    throw new Error('It would have failed.');
  };
  const requestLines = () => lines.filter(({ msg }) => msg === 'request');
  const metrics = async () => (await fetch(`${service.urls.admin}/metrics`)).text();
  const countOf = (text: string, status: number) =>
    Number(
      new RegExp(
        `^http_server_request_duration_seconds_count\\{method="GET",route="/greet",status="${status}"\\} (\\d+)$`,
        'm',
      ).exec(text)?.[1] ?? 0,
    );
  const underWay = async () => Number(/^http_server_active_requests (\d+)$/m.exec(await metrics())?.[1]);
  /** The service answers after its clients have left: that is logged and counted as 499, and as nothing else. */
  const expectAbandoned = async (count = 1, outcome = hello) => {
    // The end of a connection arrives before a request that is sent after it.
    await metrics();
    await metrics();
    answer(outcome);
    await until(() => requestLines().length >= count);
    expect(requestLines()).toHaveLength(count);
    for (const line of requestLines())
      expect(line).toMatchObject({ status: 499, aborted: true, route: '/greet' });
    const text = await metrics();
    expect([200, 400, 499, 500, 503].map((status) => countOf(text, status))).toEqual([0, 0, count, 0, 0]);
  };

  const openTcp = async () => {
    const { hostname, port } = new URL(service.urls.http);
    const socket = connect(Number(port), hostname).on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  const openTls = async (): Promise<TLSSocket> => {
    const { hostname, port } = new URL(service.urls.http);
    const ca = folder?.authority.cert;
    const socket = connectTls({
      host: hostname,
      port: Number(port),
      servername: 'localhost',
      ...(ca && { ca }),
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    return socket;
  };

  it.each(['FIN', 'RST'])('counts 499 over HTTP/1.1, by a %s', async (end) => {
    await start();
    const socket = await openTcp();
    socket.write(request);
    await until(async () => (await underWay()) === 1);
    if (end === 'FIN') socket.destroy();
    else socket.resetAndDestroy();
    await expectAbandoned();
  });

  it('counts 499 over HTTP/1.1, also if the service would have failed', async () => {
    await start();
    const socket = await openTcp();
    socket.write(request);
    await until(async () => (await underWay()) === 1);
    socket.destroy();
    await expectAbandoned(1, fail);
  });

  it('counts 499 for each of the pipelined requests', async () => {
    await start();
    const socket = await openTcp();
    socket.write(request.repeat(3));
    await until(async () => (await underWay()) === 3);
    socket.destroy();
    await expectAbandoned(3);
  });

  it('counts 499 over TLS', async () => {
    await start({ isTls: true });
    const socket = await openTls();
    socket.write(request);
    await until(async () => (await underWay()) === 1);
    socket.destroy();
    await expectAbandoned();
  });

  it.each(['a reset', 'the end of its connection'])('counts 499 over HTTP/2, by %s', async (end) => {
    await start({ isTls: true });
    const session = connectHttp2(service.urls.http, { ca: folder?.authority.cert as string }).on(
      'error',
      () => {},
    );
    const stream = session.request({ ':path': '/greet?name=Alice' }).on('error', () => {});
    await until(async () => (await underWay()) === 1);
    if (end === 'a reset') stream.close(constants.NGHTTP2_CANCEL);
    else session.destroy();
    await expectAbandoned();
    session.destroy();
  });

  it('counts 200 for a client that takes its answer and leaves', async () => {
    await start();
    answer(hello);
    const socket = await openTcp();
    socket.write(request);
    await once(socket, 'data');
    socket.destroy();
    await until(() => requestLines().length > 0);
    expect(requestLines()).toMatchObject([{ status: 200 }]);
    expect(requestLines()[0]).not.toHaveProperty('aborted');
  });
});
