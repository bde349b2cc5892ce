import { once } from 'node:events';
import { type ClientHttp2Session, connect, type SecureClientSessionOptions } from 'node:http2';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { frame, preface, types } from './http2-frames.ts';
import { connectTls } from './tls.ts';

export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

type Send = (method: string, path: string, headers?: Record<string, string>) => Promise<Response>;

/** Clients of an HTTPS listener over HTTP/1.1 and HTTP/2. They trust this authority. */
export function createTlsClients(url: string, ca: string) {
  const openSession = (options: SecureClientSessionOptions = {}) =>
    connect(url, { ca, ...options }).on('error', () => {});

  const sendHttp1: Send = (method, path, headers = {}) =>
    new Promise((resolve, reject) => {
      request(url + path, { method, headers, ca, agent: false }, async (response) => {
        const text = Buffer.concat(await response.toArray()).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      })
        .on('error', reject)
        .end();
    });

  const sendOn = async (session: ClientHttp2Session, ...[method, path, headers]: Parameters<Send>) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers });
    const response = once(stream, 'response');
    const text = Buffer.concat(await stream.toArray()).toString();
    const [{ ':status': status, ...rest }] = await response;
    return { status, headers: rest, text } as Response;
  };

  const sendHttp2: Send = async (...sent) => {
    const session = openSession();
    try {
      return await sendOn(session, ...sent);
    } finally {
      session.close();
    }
  };

  /** Opens an HTTP/2 connection on which the test writes its own frames. */
  const openRaw = async (...frames: Buffer[]): Promise<TLSSocket> => {
    const socket = await connectTls(url, { ca, ALPNProtocols: ['h2'] });
    socket.on('error', () => {}).resume();
    socket.write(Buffer.concat([preface, frame(types.settings), ...frames]));
    return socket;
  };

  return { openSession, sendHttp1, sendOn, sendHttp2, openRaw };
}
