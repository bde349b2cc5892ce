import type { RequestListener, ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createHttp2Door, type Http2DoorOptions } from '../http2/server.ts';
import type { Certificates } from './certificates.ts';
import { toContextOptions } from './files.ts';

/** From the first byte of the handshake to the last, in milliseconds. */
const handshakeTimeout = 5_000;

interface SecureServerOptions extends Omit<Http2DoorOptions, 'keepAliveTimeoutMs'> {
  readonly options: ServerOptions & { readonly keepAliveTimeout: number };
  readonly certificates: Certificates;
  /** Told of each request over HTTP/1.1; the handler is told of those over HTTP/2. */
  readonly onRequest: RequestListener;
  /** Told of each connection over which HTTP/1.1 is spoken. */
  readonly onConnection: (socket: TLSSocket) => void;
}

export interface SecureServer {
  readonly server: Server;
  /** To be called when the server stops accepting: has the callers over HTTP/2 leave. */
  close(): void;
  /** Cuts the connections over HTTP/2. */
  closeNow(): void;
}

/**
 * Serves HTTP/1.1 over TLS by Node's HTTPS server, with every limit that it has without TLS (the one that Node has for both
 * protocols takes few of them); what chose `h2` in the handshake (RFC 7301) is handed on. New certificates are for new
 * connections.
 */
export function createSecureServer({
  options,
  certificates,
  onRequest,
  onConnection,
  handler,
  onRefusal,
}: SecureServerOptions): SecureServer {
  const server = createServer(
    {
      ...options,
      ...toContextOptions(certificates.current),
      handshakeTimeout,
      ALPNProtocols: ['h2', 'http/1.1'],
    },
    onRequest,
  );
  certificates.subscribe((credentials) => server.setSecureContext(toContextOptions(credentials)));

  const http2 = createHttp2Door({ handler, keepAliveTimeoutMs: options.keepAliveTimeout, onRefusal });
  const http1 = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') return http2.accept(socket);
    onConnection(socket);
    for (const listener of http1) listener.call(server, socket);
  });
  // A handshake that failed is no request, and nothing that the parser has to say could be read.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (_error, socket) => socket.destroy());

  return { server, close: http2.close, closeNow: http2.closeNow };
}
