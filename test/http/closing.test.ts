import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService, untilActive } from '../support/service.ts';

describe('a connection that a request closes', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
    // Each greeting takes a moment, so that what follows it is read while it is in progress.
    await fetch(`${service.urls.admin}/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ delayMs: 50 }),
    });
  });
  afterAll(() => service.drain());

  /** Sends the pieces one after the other, and reads until the service closes the connection. */
  const send = async (...pieces: string[]): Promise<string> => {
    const { hostname, port } = new URL(service.urls.http);
    const socket = connect(Number(port), hostname).on('error', () => {});
    socket.setNoDelay(true);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  };

  const greet = (name: string, ...headers: string[]) =>
    [`GET /greet?name=${name} HTTP/1.1`, 'Host: greet', ...headers, '', ''].join('\r\n');
  const hidden = `POST /greet HTTP/1.1\r\nHost: greet\r\nContent-Length: ${greet('Mallory').length}\r\n\r\n${greet('Mallory')}`;

  it.each<[string, string]>([
    ['Connection: close', greet('Alice', 'Connection: close')],
    ['Connection: close among others', greet('Alice', 'Connection: foo, close')],
    ['HTTP/1.0', 'GET /greet?name=Alice HTTP/1.0\r\n\r\n'],
    ['Upgrade to WebSocket', greet('Alice', 'Connection: Upgrade', 'Upgrade: websocket')],
    [
      'Upgrade to h2c',
      greet('Alice', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'),
    ],
    ['Upgrade without Connection', greet('Alice', 'Upgrade: foo')],
    [
      'HTTP/1.0 with chunks',
      'GET /greet?name=Alice HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('answers the request and nothing that follows it: %s', async (_title, request) => {
    for (const rest of ['', greet('Bob'), hidden, 'noise\r\n\r\n', '\u0000\u0001']) {
      for (const answered of [await send(request + rest), await send(request, rest)]) {
        expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
        expect(answered).toMatch(/\r\nConnection: close\r\n/i);
        expect(answered).toMatch(/Hello, Alice$/);
        expect(answered.match(/HTTP\/1\.1 /g)).toHaveLength(1);
      }
    }
    await expectIdle();
  });

  it.each<[string, string]>([
    ['an empty transfer coding', greet('Alice', 'Transfer-Encoding:')],
    ['a transfer coding of blanks', greet('Alice', 'Transfer-Encoding:   ')],
    ['a transfer coding that is unknown', greet('Alice', 'Transfer-Encoding: foo')],
  ])('refuses %s, and closes the connection', async (_title, request) => {
    const answered = await send(`${request}0\r\n\r\n${greet('Bob')}`);
    expect(answered).toMatch(/^HTTP\/1\.1 (400|501) /);
    expect(answered).toMatch(/\r\nConnection: close\r\n/i);
    expect(answered.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    await expectIdle();
  });

  /** No request stays counted as in progress. */
  const expectIdle = () => untilActive(service, 'http_server_active_requests', 0);
});
