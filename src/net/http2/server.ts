import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { METHODS } from 'node:http';
import { createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Limits } from '../limits.ts';
import { type AnswerRefusal, type RefusalCode, refusalHeaders } from '../refusal.ts';
import { type ConnectionLimits, limitConnections } from './connections.ts';
import { headerSize } from './header-size.ts';

export interface Http2ServerOptions {
  readonly limits: Limits;
  readonly keepAliveTimeoutMs: number;
  readonly handler: RequestListener;
  readonly answerRefusal: AnswerRefusal;
}

export interface Http2Server extends Pick<ConnectionLimits, 'close' | 'closeNow'> {
  /** Serves HTTP/2 on a connection that chose it. */
  accept(socket: TLSSocket): void;
}

/**
 * Serves the handler over HTTP/2 (RFC 9113), through Node's compatibility API: its requests and responses look like those of HTTP/1.1. It
 * refuses what the HTTP/1.1 parser refuses, with the same codes.
 */
export function createHttp2Server(options: Http2ServerOptions): Http2Server {
  const { limits, handler, answerRefusal } = options;
  const server = createServer({
    settings: {
      maxConcurrentStreams: limits.maxStreamsPerConnection,
      // nghttp2 resets a request over this limit without a response. Twice ours leaves room to answer.
      maxHeaderListSize: 2 * limits.maxHeaderBytes,
      enablePush: false,
    },
    maxSessionMemory: limits.maxSessionMemoryMb,
  });
  const connections = limitConnections(server, options);

  const serve = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    if (!connections.admit(request.stream)) return;
    const code = refusalOf(request, limits);
    if (code === undefined)
      return handler(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    const { headers, socket } = request;
    const refusal = answerRefusal({ code, peer: socket.remoteAddress, origin: headers.origin });
    response.writeHead(refusal.status, refusalHeaders(refusal)).end(refusal.body);
  };
  server.on('request', serve);
  server.on('connect', serve);
  server.on('checkExpectation', serve);

  return {
    accept(socket) {
      // The HTTP/2 session handles what happens to the socket. An error without a listener would end the process.
      socket.on('error', () => {});
      server.emit('connection', socket);
    },
    close: connections.close,
    closeNow: connections.closeNow,
  };
}

function refusalOf(
  { method, url = '', rawHeaders }: Http2ServerRequest,
  { maxHeaderBytes, maxTargetBytes }: Limits,
): RefusalCode | undefined {
  if (headerSize(rawHeaders) > maxHeaderBytes)
    return url.length > maxTargetBytes ? 'target-too-long' : 'headers-too-long';
  if (method === 'CONNECT') return 'connect-method';
  if (!METHODS.includes(method)) return 'method-unknown';
  return /[^\x21-\x7e]/.test(url) ? 'target-not-encoded' : undefined;
}
