import { createServer, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Limits } from '../limits.ts';
import { destroySilentConnections } from '../node-20/silent-connections.ts';
import { type AnswerRefusal, type RefusalCode, writeRefusal } from '../refusal.ts';
import { watchSockets } from '../stalled-sockets.ts';
import type { Certificates } from '../tls/certificates.ts';
import type { ReportHandshakeFailure } from '../tls/handshake-failure.ts';
import { createTlsServer } from '../tls/server.ts';
import { trackConnections } from './connections.ts';
import { canWriteRefusal, latestResponse, setLatestResponse } from './latest-response.ts';
import { isHeadRequest, type ParserError, refusalOf } from './parser-errors.ts';
import { createPipelines, reportUnsentLater } from './pipelining.ts';

export interface HttpServerOptions {
  readonly limits: Limits;
  /** How long an idle connection is kept, in milliseconds; it must be longer than the balancer in front keeps it. */
  readonly keepAliveTimeoutMs: number;
  /** Serves HTTP/1.1 and HTTP/2 over TLS; HTTP/1.1 in clear text without it. */
  readonly certificates?: Certificates | undefined;
  readonly handler: RequestListener;
  readonly answerRefusal: AnswerRefusal;
  /** Used with certificates only. */
  readonly reportHandshakeFailure?: ReportHandshakeFailure | undefined;
}

export interface HttpServer {
  readonly server: Server;
  /** Stops accepting, closes idle connections, and resolves when all requests in progress have ended. */
  close(): Promise<void>;
  /** Destroys every connection that is left. */
  closeNow(): void;
}

/** Builds one server with all limits applied. It does not listen yet. */
export function createHttpServer(serverOptions: HttpServerOptions): HttpServer {
  const { limits, keepAliveTimeoutMs, certificates, handler, answerRefusal } = serverOptions;
  const options = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: limits.sweepIntervalMs,
    maxHeaderSize: limits.maxHeaderBytes,
    keepAliveTimeout: keepAliveTimeoutMs,
    // Repeated headers are joined by a comma, so that the service sees a second Host. A missing Host is the service's to refuse.
    joinDuplicateHeaders: true,
    requireHostHeader: false,
    // Since Node 26: a request without a body gets no body stream. Its response alone reports that the client left.
    optimizeEmptyRequests: true,
  };
  const onRequest: RequestListener = (request, response) => {
    const { socket } = request;
    // Node parses the rest of a chunk after an earlier response has destroyed the connection. Nobody could read the response.
    if (socket.destroyed) return;
    const previous = latestResponse(socket);
    if (request.method === prefaceMethod) return refuseOrDestroy(socket, 'not-http', false);
    setLatestResponse(socket, response);
    if (previous !== undefined && !previous.writableFinished && !pipelines.admit(socket, response, previous))
      return;
    handler(request, response);
  };
  const tls =
    certificates && createTlsServer({ ...serverOptions, certificates, options, onRequest, onConnection });
  const server: Server = tls?.server ?? createServer(options, onRequest).on('connection', onConnection);
  server.maxConnections = tls ? limits.maxTlsConnections : limits.maxHttpConnections;
  const connections = trackConnections();
  const destroySockets = watchSockets(server, limits);
  function onConnection(socket: Socket) {
    connections.add(socket);
    // Node caches the address on the socket. Sockets with and without it have two hidden classes, which costs a tenth of a request.
    void socket.remoteAddress;
    socket.once('close', () => reportUnsentLater(latestResponse(socket)));
  }
  const pipelines = createPipelines(limits, connections.pauseForOneTurn);

  const refuseOrDestroy = (socket: Duplex, code: RefusalCode | undefined, isHead: boolean) => {
    if (code && socket.writable && canWriteRefusal(socket)) writeRefusal(socket, answerRefusal(code), isHead);
    else socket.destroy();
  };
  server.on('clientError', (error: ParserError, socket) => {
    refuseOrDestroy(socket, refusalOf(error, limits), isHeadRequest(error));
  });
  server.on('connect', (_request, socket: Duplex) => {
    // Node has detached this socket: nothing else handles its errors, or ends it if the client does not.
    socket.on('error', () => socket.destroy());
    socket.once('finish', () => socket.destroy());
    socket.resume();
    writeRefusal(socket, answerRefusal('connect-method'), false);
  });
  // The service answers an unknown expectation.
  server.on('checkExpectation', onRequest);

  return {
    server,
    close() {
      tls?.close();
      destroySilentConnections(connections.sockets);
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
    closeNow() {
      tls?.closeNow();
      destroySockets();
    },
  };
}

/** The first word of HTTP/2's preface. Without a version after it, Node's parser takes it for a method of HTTP/0.9. */
const prefaceMethod = 'PRI';
