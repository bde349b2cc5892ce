import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { METHODS } from 'node:http';
import { createServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Problem } from '../../http/problem.ts';
import { maxTargetLength, targetTooLong } from '../../http/target.ts';
import {
  headersTooLong,
  maxHeaderSize,
  methodNotKnown,
  noProxy,
  type Refusal,
  renderRefusal,
  targetNotEncoded,
} from '../http1/parser-errors.ts';
import { type Http2Limits, limitHttp2 } from './streams.ts';

export interface Http2DoorOptions {
  readonly handler: RequestListener;
  readonly keepAliveTimeoutMs: number;
  readonly onRefusal: (refusal: Refusal) => void;
}

export interface Http2Door extends Pick<Http2Limits, 'close' | 'closeNow'> {
  /** Serves HTTP/2 on a connection that chose it. */
  accept(socket: TLSSocket): void;
}

/**
 * Serves the handler over HTTP/2 (RFC 9113), through Node's compatibility API, in which its requests and responses look as those
 * of HTTP/1.1 do. What the HTTP/1.1 parser refuses is refused here in the same words, as HTTP/2 can carry it.
 */
export function createHttp2Door({ handler, keepAliveTimeoutMs, onRefusal }: Http2DoorOptions): Http2Door {
  const server = createServer({
    settings: {
      maxConcurrentStreams: 100,
      // Twice what is answered: with more, a request is reset without a word.
      maxHeaderListSize: 2 * maxHeaderSize,
      enablePush: false,
    },
    // What one connection may have waiting in the library, in MB.
    maxSessionMemory: 1,
  });
  const limits = limitHttp2(server, keepAliveTimeoutMs);

  const serve = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    if (!limits.admit(request.stream)) return;
    const problem = refuse(request);
    if (problem === undefined)
      return handler(request as unknown as IncomingMessage, response as unknown as ServerResponse);
    const { requestId, headers, body } = renderRefusal(problem);
    response.writeHead(problem.status, headers).end(body);
    onRefusal({ requestId, status: problem.status, reason: problem.message });
  };
  server.on('request', serve);
  server.on('connect', serve);
  server.on('checkExpectation', serve);

  return {
    accept(socket) {
      // Whatever becomes of the connection is the session's to know; an error that nobody listens to would end the process.
      socket.on('error', () => {});
      server.emit('connection', socket);
    },
    close: limits.close,
    closeNow: limits.closeNow,
  };
}

/** What the parser refuses over HTTP/1.1. */
function refuse({ method, url = '', rawHeaders }: Http2ServerRequest): Problem | undefined {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  if (size > maxHeaderSize) return url.length > maxTargetLength ? targetTooLong() : headersTooLong();
  if (method === 'CONNECT') return noProxy();
  if (!METHODS.includes(method)) return methodNotKnown();
  return /[^\x21-\x7e]/.test(url) ? targetNotEncoded() : undefined;
}
