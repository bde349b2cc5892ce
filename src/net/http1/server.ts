import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Problem } from '../../http/problem.ts';
import { watchSockets } from '../stalled-sockets.ts';
import type { Certificates } from '../tls/certificates.ts';
import { createSecureServer } from '../tls/server.ts';
import { createConnections } from './connections.ts';
import { isUnanswered, latestOf, setLatest } from './latest-response.ts';
import {
  describeParserError,
  isForHead,
  maxHeaderSize,
  noProxy,
  notHttp1,
  type ParserError,
  type Refusal,
  writeProblem,
} from './parser-errors.ts';
import { createPipelines, endUnsent } from './pipelining.ts';

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
/** The same over TLS, where an idle one costs about 80 kB. */
const maxSecureConnections = 384;

export interface ServerOptions {
  /** How long an idle connection is kept, in milliseconds; longer than the balancer in front keeps it. */
  readonly keepAliveTimeoutMs: number;
  /** With them, HTTP/1.1 and HTTP/2 over TLS; without, HTTP/1.1 in clear text. */
  readonly certificates?: Certificates | undefined;
  readonly handler: RequestListener;
  /** Told of everything that was refused before it became a request. */
  readonly onRefusal: (refusal: Refusal) => void;
}

export interface BoundedServer {
  readonly server: Server;
  /** Stops accepting, closes idle connections and resolves when those with a request in flight have ended. */
  close(): Promise<void>;
  /** Cuts every connection that is left. */
  closeNow(): void;
}

/** One server with every limit that it has, not listening yet. */
export function buildServer({
  certificates,
  handler,
  keepAliveTimeoutMs,
  onRefusal,
}: ServerOptions): BoundedServer {
  const options = {
    ...limits,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Repeated lines are joined by a comma, so that a second Host is seen rather than dropped; a missing one gets a problem.
    joinDuplicateHeaders: true,
    requireHostHeader: false,
    // Known to Node 26: a request without a body gets no stream to read it from. That its caller has left, only its response tells.
    optimizeEmptyRequests: true,
  };
  const onRequest: RequestListener = (request, response) => {
    const { socket } = request;
    // Node goes on parsing what it has read of a connection that an earlier answer has ended: nobody would take the answer.
    if (socket.destroyed) return;
    const before = latestOf(socket);
    if (request.method === prefaceMethod) return refuseIfUnanswered(socket, notHttp1);
    setLatest(socket, response);
    if (before !== undefined && !before.writableFinished && !pipelines.admit(socket, response, before))
      return;
    handler(request, response);
  };
  const secure =
    certificates &&
    createSecureServer({ options, certificates, onRequest, onConnection, handler, onRefusal });
  const server: Server = secure?.server ?? createServer(options, onRequest).on('connection', onConnection);
  server.maxConnections = certificates ? maxSecureConnections : maxConnections;
  const connections = createConnections();
  const cutSockets = watchSockets(server);
  function onConnection(socket: Socket) {
    connections.add(socket);
    // Asked of every socket rather than of those whose requests are traced: the answer is kept on the socket, and sockets of two
    // shapes make all that handles them slower, by a tenth of a request's price.
    void socket.remoteAddress;
    socket.once('close', () => endUnsent(latestOf(socket)));
  }
  const pipelines = createPipelines(() => connections.holdForATurn());

  const refuse = (socket: Duplex, problem: Problem, isHead = false) => {
    const requestId = writeProblem(socket, problem, isHead);
    onRefusal({ requestId, status: problem.status, reason: problem.message });
  };
  const refuseIfUnanswered = (socket: Duplex, problem: Problem | undefined, isHead = false) => {
    if (problem && socket.writable && isUnanswered(socket)) refuse(socket, problem, isHead);
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
    refuse(socket, noProxy());
  });
  // The guard answers an expectation that it does not know, like any other refusal.
  server.on('checkExpectation', onRequest);

  return {
    server,
    close() {
      secure?.close();
      connections.dismissSilent();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
    closeNow() {
      secure?.closeNow();
      cutSockets();
    },
  };
}

/** HTTP/2's preface: where no version follows it Node's parser takes it for a method of HTTP/0.9, which no router knows. */
const prefaceMethod = 'PRI';
