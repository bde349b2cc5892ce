import type { RequestListener, ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { createHttp2Server, type Http2ServerOptions } from '../http2/server.ts';
import type { Certificates } from './certificates.ts';
import { secureContextOptions } from './files.ts';
import { type ReportHandshakeFailure, reportHandshakeFailures } from './handshake-failure.ts';

interface TlsServerOptions extends Http2ServerOptions {
  readonly options: ServerOptions;
  readonly certificates: Certificates;
  readonly reportHandshakeFailure?: ReportHandshakeFailure | undefined;
  /** Serves requests over HTTP/1.1. `handler` serves those over HTTP/2. */
  readonly onRequest: RequestListener;
  /** Called for each connection that speaks HTTP/1.1. */
  readonly onConnection: (socket: TLSSocket) => void;
}

export interface TlsServer {
  readonly server: Server;
  /** Sends GOAWAY to all HTTP/2 clients. Call it when the server stops accepting connections. */
  close(): void;
  /** Destroys all HTTP/2 connections. */
  closeNow(): void;
}

/**
 * Serves HTTP/1.1 over TLS with Node's HTTPS server, so that all its limits apply; Node's server for both protocols has few of them. A
 * connection that chose `h2` in the handshake (ALPN, RFC 7301) goes to the HTTP/2 server. Only new connections use a renewed certificate.
 */
export function createTlsServer(tlsOptions: TlsServerOptions): TlsServer {
  const { options, certificates, limits, onRequest, onConnection, reportHandshakeFailure } = tlsOptions;
  const server = createServer(
    {
      ...options,
      ...secureContextOptions(certificates.current),
      handshakeTimeout: limits.handshakeTimeoutMs,
      ALPNProtocols: ['h2', 'http/1.1'],
    },
    onRequest,
  );
  certificates.subscribe((credentials) => server.setSecureContext(secureContextOptions(credentials)));

  const http2 = createHttp2Server(tlsOptions);
  const http1Listeners = server.listeners('secureConnection');
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (socket) => {
    if (socket.alpnProtocol === 'h2') return http2.accept(socket);
    onConnection(socket);
    for (const listener of http1Listeners) listener.call(server, socket);
  });
  // A client whose handshake failed cannot read a response.
  server.removeAllListeners('tlsClientError');
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  if (reportHandshakeFailure) server.on('tlsClientError', reportHandshakeFailures(reportHandshakeFailure));

  return { server, close: http2.close, closeNow: http2.closeNow };
}
