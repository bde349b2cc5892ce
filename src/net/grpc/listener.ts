import type { Http2Server } from 'node:http2';
import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { bindAll } from '../bind.ts';
import type { Limits } from '../limits.ts';
import { watchSockets } from '../stalled-sockets.ts';
import type { Certificates } from '../tls/certificates.ts';
import { type ReportHandshakeFailure, reportHandshakeFailures } from '../tls/handshake-failure.ts';
import { limitCalls } from './call-limits.ts';
import { TlsCredentials } from './credentials.ts';
import { enableKeepalive, type Keepalive } from './keepalive.ts';
import type { AnswerCallRefusal } from './refusal.ts';

export interface GrpcListenerOptions {
  readonly server: Server;
  readonly limits: Limits;
  readonly keepalive: Keepalive;
  readonly host: string;
  /** 0 takes any free port, the same on every address of the host. */
  readonly port: number;
  /** Serves over TLS, and asks for client certificates if they name a client authority; clear text without it. */
  readonly certificates?: Certificates | undefined;
  /** The paths of the server's methods. */
  readonly methods: ReadonlySet<string>;
  readonly answerRefusal: AnswerCallRefusal;
  readonly reportHandshakeFailure: ReportHandshakeFailure;
}

export interface GrpcListener {
  readonly port: number;
  /** A gRPC target, as seen from this machine. */
  readonly address: string;
  /** Stops accepting, sends GOAWAY to all clients, and resolves when the calls in progress have ended. */
  close(): Promise<void>;
  /** Cuts every call that is left. The clients see CANCELLED. */
  closeNow(): void;
}

/**
 * Binds a grpc-js server to every address of the host, and applies the wire's limits to it.
 *
 * @throws the system's error, such as EADDRINUSE, with nothing left listening.
 */
export async function openGrpcListener(options: GrpcListenerOptions): Promise<GrpcListener> {
  const { server, limits, keepalive, certificates, methods, answerRefusal } = options;
  const credentials = certificates
    ? new TlsCredentials(certificates, limits)
    : ServerCredentials.createInsecure();
  let { host, port } = options;
  try {
    host = await bindAll(host, async (address) => {
      port = await bind(server, credentials, address, port);
    });
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
  const http2Servers = http2ServersOf(server);
  for (const http2Server of http2Servers) {
    limitCalls(http2Server, { limits, isTls: certificates !== undefined, methods, answerRefusal });
    enableKeepalive(http2Server, keepalive);
    http2Server.on('tlsClientError', reportHandshakeFailures(options.reportHandshakeFailure));
  }
  const destroySockets = http2Servers.map((http2Server) => watchSockets(http2Server, limits));
  return {
    port,
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    close: () => new Promise((resolve) => server.tryShutdown(() => resolve())),
    closeNow() {
      server.forceShutdown();
      for (const destroy of destroySockets) setTimeout(destroy, limits.lastFramesMs);
    },
  };
}

/** The HTTP/2 servers of grpc-js: a private field of the library, and the only way to their sockets and streams. */
function http2ServersOf(server: Server): readonly Http2Server[] {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  if (!http2Servers?.size) throw new Error('This version of @grpc/grpc-js keeps its servers elsewhere');
  return [...http2Servers.keys()];
}

function bind(
  server: Server,
  credentials: ServerCredentials,
  address: string,
  port: number,
): Promise<number> {
  const target = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, bound) => {
      if (!error) return resolve(bound);
      // grpc-js gives the system's code only in the message.
      const code = /\b(E[A-Z]{4,})\b/.exec(error.message)?.[1];
      reject(Object.assign(error, code && { code }));
    });
  });
}
