import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { bindAll } from '../bind.ts';
import { watchConnections } from './connections.ts';
import {
  describeParserError,
  isForHead,
  maxHeaderSize,
  notHttp1,
  type ParserError,
  writeProblem,
} from './parser-errors.ts';
import { createPipelines, endUnsent } from './pipelining.ts';
import { Problem } from './problem.ts';

/** Limits of every HTTP listener. Times in milliseconds. */
const limits = {
  /** From the first byte to the last of the headers: a slow sender holds a connection no longer. */
  headersTimeout: 5_000,
  /** From the first byte to the last of the body. */
  requestTimeout: 10_000,
  /** How often the two above are checked. */
  connectionsCheckingInterval: 1_000,
  maxHeaderSize,
};

/** Open connections on one address; more are closed as they come. An idle one costs about 10 kB. */
const maxConnections = 4_096;

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes any free port, the same on every address of the host. */
  readonly port: number;
  /** How long an idle connection is kept, in milliseconds; longer than the balancer in front keeps it. */
  readonly keepAliveTimeoutMs: number;
  readonly handler: RequestListener;
  /** Told of everything that was refused before it became a request. */
  readonly onRefusal: (refusal: Refusal) => void;
}

export interface Refusal {
  readonly requestId: string;
  readonly status: number;
  readonly reason: string;
}

export interface Listener {
  readonly port: number;
  /** Where it can be reached from this machine. */
  readonly url: string;
  /** Stops accepting, closes idle connections and resolves when those with a request in flight have ended. */
  close(): Promise<void>;
  /** Cuts every connection that is left. */
  closeNow(): void;
}

/**
 * Listens on every address that the host has, as `localhost` has one for each IP version.
 *
 * @throws the system's error, such as EADDRINUSE, with nothing left listening.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { host } = options;
  const servers: Server[] = [];
  let { port } = options;
  try {
    await bindAll(host, async (address) => {
      const server = buildServer(options);
      await listen(server, address, port);
      servers.push(server);
      ({ port } = server.address() as AddressInfo);
    });
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
  return {
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async close() {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
    closeNow() {
      for (const server of servers) server.closeAllConnections();
    },
  };
}

function buildServer({ handler, keepAliveTimeoutMs, onRefusal }: ListenerOptions): Server {
  const serve: RequestListener = (request, response) => {
    const socket = request.socket as AnsweredSocket;
    // Node goes on parsing what it has read of a connection that an earlier answer has ended: nobody would take the answer.
    if (socket.destroyed) return;
    const before = socket[latest];
    if (request.method === prefaceMethod) return refuseIfUnanswered(socket, notHttp1);
    socket[latest] = response;
    if (before !== undefined && !before.writableFinished && !pipelines.admit(socket, response, before))
      return;
    handler(request, response);
  };
  const server = createServer(
    {
      ...limits,
      keepAliveTimeout: keepAliveTimeoutMs,
      // Repeated lines are joined by a comma, so that a second Host is seen rather than dropped; a missing one gets a problem.
      joinDuplicateHeaders: true,
      requireHostHeader: false,
    },
    serve,
  );
  server.maxConnections = maxConnections;
  const connections = watchConnections(server);
  server.on('connection', (socket: AnsweredSocket & Socket) => {
    // Asked of every socket rather than of those whose requests are traced: the answer is kept on the socket, and sockets of two
    // shapes make all that handles them slower, by a tenth of a request's price.
    void socket.remoteAddress;
    socket.once('close', () => endUnsent(socket[latest]));
  });
  const pipelines = createPipelines(() => connections.holdForATurn());

  const refuse = (socket: Duplex, problem: Problem, isHead = false) => {
    const requestId = writeProblem(socket, problem, isHead);
    onRefusal({ requestId, status: problem.status, reason: problem.message });
  };
  const refuseIfUnanswered = (socket: AnsweredSocket, problem: Problem | undefined, isHead = false) => {
    if (problem && socket.writable && isUnanswered(socket[latest])) refuse(socket, problem, isHead);
    else socket.destroy();
  };
  server.on('clientError', (error: ParserError, socket) => {
    refuseIfUnanswered(socket, describeParserError(error), isForHead(error));
  });
  server.on('connect', (_request, socket: Duplex) => {
    // Node has let go of this connection: nothing else hears of its errors, or ends it if the caller does not.
    socket.on('error', () => socket.destroy());
    socket.once('finish', () => socket.destroy());
    socket.resume();
    refuse(socket, new Problem(405, 'This is no proxy.', { headers: { allow: 'GET, HEAD, OPTIONS' } }));
  });
  // The guard answers an expectation that it does not know, like any other refusal.
  server.on('checkExpectation', serve);
  return server;
}

/** HTTP/2's preface: where no version follows it Node's parser takes it for a method of HTTP/0.9, which no router knows. */
const prefaceMethod = 'PRI';

/** The response to the latest request of a connection. */
const latest = Symbol('latest response');
type AnsweredSocket = Duplex & { [latest]?: ServerResponse };

/** Whether what the parser stumbled over still waits for its answer, and no other answer would be torn apart by it. */
function isUnanswered(response: ServerResponse | undefined): boolean {
  if (response === undefined) return true;
  const inBodyOfThis = !response.req.complete;
  return inBodyOfThis ? !response.headersSent : response.writableFinished;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
