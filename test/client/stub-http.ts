import { createServer, type Socket } from 'node:net';

export interface HttpStub {
  readonly url: string;
  /** The requests so far, without bodies. */
  readonly requests: readonly string[];
  /**
   * The number of open connections that have carried a request. After an aborted call, Node's fetch opens another one and leaves it unused.
   */
  connections(): number;
  close(): void;
}

/** Responds to one request, in any way, on its bare socket. `index` counts the requests from 0. */
export type Behaviour = (socket: Socket, index: number, request: string) => void;

/** A server that gives the bare socket of each request to a function, so that the response can break every rule of HTTP. */
export async function startHttpStub(behave: Behaviour): Promise<HttpStub> {
  const requests: string[] = [];
  const opened = new Set<Socket>();
  const used = new Set<Socket>();
  const server = createServer((socket) => {
    opened.add(socket);
    socket.on('close', () => opened.delete(socket) && used.delete(socket)).on('error', () => {});
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        const request = received.slice(0, end);
        received = received.slice(end + 4);
        used.add(socket);
        behave(socket, requests.push(request) - 1, request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    connections: () => used.size,
    close() {
      server.close();
      for (const socket of opened) socket.destroy();
    },
  };
}

/** A response with its correct length. It announces that the connection closes. */
export function response(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): Buffer {
  const lines = Object.entries({
    ...headers,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  const head = `HTTP/1.1 ${status} Whatever\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** Responds with such a response and closes the connection. */
export function answers(...parts: Parameters<typeof response>): Behaviour {
  return (socket) => socket.end(response(...parts));
}

export function answersJson(value: unknown, status = 200): Behaviour {
  return answers(status, { 'content-type': 'application/json' }, JSON.stringify(value));
}

export const greets = answersJson({ message: 'Hello, Alice' });

/** Writes these bytes, and then ends, resets or keeps the connection. */
export function writes(text: string | Buffer, then: 'end' | 'reset' | 'hold' = 'end'): Behaviour {
  return (socket) => {
    // A reset may overtake bytes that were not sent yet, so it waits.
    socket.write(text, () => {
      if (then === 'reset') setTimeout(() => socket.resetAndDestroy(), 20);
    });
    if (then === 'end') socket.end();
  };
}
