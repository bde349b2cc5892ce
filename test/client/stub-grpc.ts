import {
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';

export interface GrpcStub {
  readonly address: string;
  /** The metadata of each call so far. */
  readonly calls: readonly IncomingHttpHeaders[];
  close(): void;
}

/** Answers one call on its stream in any way. */
export type GrpcBehaviour = (stream: ServerHttp2Stream, index: number) => void;

/** A server of HTTP/2 whose calls are answered by a function that has the bare stream. */
export async function startGrpcStub(behave: GrpcBehaviour): Promise<GrpcStub> {
  const calls: IncomingHttpHeaders[] = [];
  const sockets = new Set<Socket>();
  const server = createHttp2Server();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {});
    behave(stream, calls.push(headers) - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: addressOf(server), calls, close: () => end(server, sockets) };
}

/** A server that is no server of gRPC at all. */
export async function startSocketStub(behave: (socket: Socket) => void): Promise<GrpcStub> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: addressOf(server), calls: [], close: () => end(server, sockets) };
}

/** Passes bytes on both ways, until it is told to drop what the connections of that moment send: later ones work. */
export async function startRelay(target: string) {
  const [host, port] = target.split(':');
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  };
  const server = createServer((near) => {
    const far = keep(connect(Number(port), host));
    keep(near).pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: addressOf(server),
    freeze() {
      for (const socket of sockets) socket.unpipe().resume();
    },
    close: () => end(server, sockets),
  };
}

function addressOf(server: { address(): unknown }): string {
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

function end(server: { close(): unknown }, sockets: ReadonlySet<Socket>): void {
  server.close();
  for (const socket of sockets) socket.destroy();
}

const ok = { ':status': 200, 'content-type': 'application/grpc' };

/** A frame of gRPC: whether it is compressed, its length, its bytes. */
export function frame(message: Buffer, flag = 0): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The message of a greeting, and of a request: field 1, a string. */
export function messageOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([10, Buffer.byteLength(text)]), Buffer.from(text)]);
}

/** Headers, these bytes, and trailers. */
export function answers(
  body: Buffer,
  trailers: Record<string, string> = { 'grpc-status': '0' },
  headers: Record<string, string> = {},
): GrpcBehaviour {
  return (stream) => {
    stream.respond({ ...ok, ...headers }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.end(body);
  };
}

export const greets = answers(frame(messageOf('Hello, Alice')));

/** A status alone, as the service refuses. */
export function refuses(trailers: Record<string, string>): GrpcBehaviour {
  return (stream) => stream.respond({ ...ok, ...trailers }, { endStream: true });
}

/** A response of HTTP that is not one of gRPC. */
export function answersHttp(status: number, type = 'text/html', body = '<h1>Welcome</h1>'): GrpcBehaviour {
  return (stream) => {
    stream.respond({ ':status': status, ...(body && { 'content-type': type }) });
    stream.end(body);
  };
}

/** Headers and these bytes, and then what is done to the stream. */
export function begins(body: Buffer, then: (stream: ServerHttp2Stream) => void): GrpcBehaviour {
  return (stream) => {
    stream.respond(ok);
    // What is done may overtake what was written.
    stream.write(body, () => setTimeout(() => then(stream), 20));
  };
}
