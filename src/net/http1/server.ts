import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Limits } from '../limits.ts';
import { destroySilentConnections } from '../node-20/silent-connections.ts';
import { keepPeerAddress, peerAddress } from '../peer-address.ts';
import { type AnswerRefusal, type RefusalCode, writeRefusal } from '../refusal.ts';
import { watchSockets } from '../stalled-sockets.ts';
import type { Certificates } from '../tls/certificates.ts';
import type { ReportHandshakeFailure } from '../tls/handshake-failure.ts';
import { createTlsServer } from '../tls/server.ts';
import { trackConnections } from './connections.ts';
import { excuseStoppedTime } from './excused-time.ts';
import { canWriteRefusal, isClosing, latestResponse, setLatestResponse } from './latest-response.ts';
import {
  describeRefused,
  describeRequest,
  type ParserError,
  type RefusedRequest,
  refusalOf,
} from './parser-errors.ts';
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
    // Repeated headers are joined by a comma, so that the service sees a second Host. The service also refuses a missing Host.
    joinDuplicateHeaders: true,
    requireHostHeader: false,
    // Since Node 26: a request without a body gets no body stream. Its response alone reports that the client left.
    optimizeEmptyRequests: true,
  };
  const onRequest: RequestListener = (request, response) => {
    const { socket } = request;
    // Node parses the rest of a chunk after an earlier request or response has closed the connection. Nobody could read the response.
    if (socket.destroyed || isClosing(socket)) return;
    const previous = latestResponse(socket);
    if (closesConnection(request)) response.shouldKeepAlive = false;
    if (request.method === prefaceMethod)
      return refuseOrDestroy(socket, 'not-http', describeRequest(request));
    setLatestResponse(socket, response);
    if (previous !== undefined && !previous.writableFinished && !pipelines.admit(socket, response, previous))
      return;
    handler(request, response);
  };
  const tls =
    certificates && createTlsServer({ ...serverOptions, certificates, options, onRequest, onConnection });
  const server: Server = tls?.server ?? createServer(options, onRequest).on('connection', onConnection);
  server.maxConnections = tls ? limits.maxTlsConnections : limits.maxHttpConnections;
  excuseStoppedTime(server, limits);
  const connections = trackConnections();
  const destroySockets = watchSockets(server, limits);
  function onConnection(socket: Socket) {
    connections.add(socket);
    // On every socket from the start: two hidden classes, with and without it, would cost a tenth of a request.
    keepPeerAddress(socket);
    socket.once('close', () => reportUnsentLater(latestResponse(socket)));
  }
  const pipelines = createPipelines(limits, connections.pauseForOneTurn);

  const refuse = (socket: Duplex, code: RefusalCode, { isHead, origin }: RefusedRequest) =>
    writeRefusal(socket, answerRefusal({ code, peer: peerAddress(socket), origin }), isHead);
  const refuseOrDestroy = (socket: Duplex, code: RefusalCode | undefined, refused: RefusedRequest) => {
    if (code && socket.writable && canWriteRefusal(socket)) refuse(socket, code, refused);
    else socket.destroy();
  };
  server.on('clientError', (error: ParserError, socket) => {
    // Bytes after a request that closes the connection. Its response may still be in progress.
    if (isClosing(socket)) return;
    const request = latestResponse(socket)?.req;
    // An incomplete request is the one that is refused.
    const refused = request && !request.complete ? describeRequest(request) : describeRefused(error);
    refuseOrDestroy(socket, refusalOf(error, limits), refused);
  });
  server.on('connect', (request, socket: Duplex) => {
    // Node has detached this socket: nothing else handles its errors, or ends it if the client does not.
    socket.on('error', () => socket.destroy());
    socket.once('finish', () => socket.destroy());
    socket.resume();
    refuse(socket, 'connect-method', describeRequest(request));
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

/**
 * True if the next request on the connection could not be found: after an Upgrade, Node drops what follows in the same chunk; a transfer
 * coding in HTTP/1.0, or one that is not `chunked`, leaves the end of the body unclear (RFC 9112, sections 6.1 and 6.3).
 */
function closesConnection({ headers, httpVersionMinor }: IncomingMessage): boolean {
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== 'chunked')) return true;
  return headers.upgrade !== undefined;
}

/** The first word of HTTP/2's preface. Without a version after it, Node's parser takes it for a method of HTTP/0.9. */
const prefaceMethod = 'PRI';
