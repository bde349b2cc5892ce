import { Agent, get } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import { grpcMessage } from '../emulation/h2load.ts';

/** Connections that stay open from one greeting to the next. */
export interface OpenConnections {
  /** Sends this many greetings in all. A connection sends its next one when the last is answered. Rejects if one fails. */
  greet(count: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens this many connections to a port, a hundred at a time: the queue of a listener holds 511. Each has sent one greeting, so the server
 * has accepted it. All are open before the load begins: Node accepts one connection in each turn of its event loop, and a turn is long
 * while many others send greetings.
 */
export type Open = (port: number, connections: number) => Promise<OpenConnections>;

const openedAtOnce = 100;

interface Connection {
  greet(): Promise<void>;
  close(): Promise<void>;
}

const openAll =
  (openOne: (port: number) => Connection): Open =>
  async (port, count) => {
    const connections: Connection[] = [];
    while (connections.length < count) {
      const missing = Math.min(count - connections.length, openedAtOnce);
      const opened = Array.from({ length: missing }, () => openOne(port));
      await Promise.all(opened.map(({ greet }) => greet()));
      connections.push(...opened);
    }
    return {
      async greet(greetings) {
        let left = greetings;
        await Promise.all(
          connections.map(async ({ greet }) => {
            for (; left > 0; await greet()) left -= 1;
          }),
        );
      },
      async close() {
        await Promise.all(connections.map(({ close }) => close()));
      },
    };
  };

/** Connections for GET /greet over HTTP/1.1. */
export const openHttp: Open = openAll((port) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const greet = () =>
    new Promise<void>((resolve, reject) => {
      get({ host: '127.0.0.1', port, path: '/greet?name=Alice', agent }, (response) => {
        response.resume().once('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`status ${response.statusCode}`));
        });
      }).once('error', reject);
    });
  return { greet, close: async () => agent.destroy() };
});

/** Connections for unary greet.GreetService/Greet. */
export const openGrpc: Open = openAll((port) => {
  const session = connect(`http://127.0.0.1:${port}`);
  return {
    greet: () => greetOnce(session),
    close: () => new Promise((resolve) => session.close(resolve)),
  };
});

function greetOnce(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/greet.GreetService/Greet',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status: unknown;
    stream.once('trailers', (trailers) => {
      status = trailers['grpc-status'];
    });
    stream.once('error', reject).once('close', () => {
      if (status === '0') resolve();
      else reject(new Error(`grpc-status ${status}`));
    });
    stream.resume().end(grpcMessage);
  });
}
