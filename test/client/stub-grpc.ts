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

/** Responds to one call, in any way, on its bare stream. */
export type GrpcBehaviour = (stream: ServerHttp2Stream, index: number) => void;

/** An HTTP/2 server that gives the bare stream of each call to a function. */
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

/** A TCP server that does not speak gRPC. */
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

/** Forwards bytes both ways. `freeze()` drops all further data of the connections that are open then; later connections work. */
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

/** A gRPC frame: a compression flag, the length and the message. */
export function frame(message: Buffer, flag = 0): Buffer {
  const head = Buffer.from([flag, 0, 0, 0, 0]);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The message of a request or of a greeting: field 1, a string. */
export function messageOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([10, Buffer.byteLength(text)]), Buffer.from(text)]);
}

/** Responds with headers, these bytes, and trailers. */
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

/** Responds with a status alone, as the service does for a refusal. */
export function refuses(trailers: Record<string, string>): GrpcBehaviour {
  return (stream) => stream.respond({ ...ok, ...trailers }, { endStream: true });
}

/** Responds with an HTTP response that is not gRPC. */
export function answersHttp(status: number, type = 'text/html', body = '<h1>Welcome</h1>'): GrpcBehaviour {
  return (stream) => {
    stream.respond({ ':status': status, ...(body && { 'content-type': type }) });
    stream.end(body);
  };
}

/** Responds with headers and these bytes, and then calls `then` with the stream. */
export function begins(body: Buffer, then: (stream: ServerHttp2Stream) => void): GrpcBehaviour {
  return (stream) => {
    stream.respond(ok);
    // Without the delay, a reset may overtake the bytes.
    stream.write(body, () => setTimeout(() => then(stream), 20));
  };
}
