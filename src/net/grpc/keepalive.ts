import type { Http2Server, Http2Session } from 'node:http2';

export interface Keepalive {
  /** Silence of a client after which it is pinged, in milliseconds; 0 turns pings off. */
  readonly keepaliveTimeMs: number;
  /** How long the client may take to answer, in milliseconds. */
  readonly keepaliveTimeoutMs: number;
}

/**
 * Destroys connections whose client is gone. It replaces the keepalive of grpc-js, which cuts a closing connection (in a drain, or at its
 * maximum age) in the middle of a call: Node sends no ping after a GOAWAY, and grpc-js takes that for a missing answer.
 */
export function enableKeepalive(
  server: Http2Server,
  { keepaliveTimeMs, keepaliveTimeoutMs }: Keepalive,
): void {
  if (keepaliveTimeMs === 0) return;
  server.on('session', (session) => {
    let received = session.socket.bytesRead;
    let isPinged = false;
    const check = () => {
      if (session.destroyed) return;
      const { bytesRead } = session.socket;
      const isSilent = bytesRead === received;
      if (isSilent && isPinged) return session.destroy();
      if (isSilent) ping(session);
      received = bytesRead;
      isPinged = isSilent;
      timer = setTimeout(check, isSilent ? keepaliveTimeoutMs : keepaliveTimeMs).unref();
    };
    let timer = setTimeout(check, keepaliveTimeMs).unref();
    session.once('close', () => clearTimeout(timer));
  });
}

/** Sends a frame that the client must acknowledge: PING, or after a GOAWAY empty SETTINGS (RFC 9113, sections 6.7 and 6.5.3). */
function ping(session: Http2Session): void {
  if (!session.closed) session.ping(() => {});
  else if (!session.pendingSettingsAck) session.settings({});
}
