import type { Http2Server, Http2Session } from 'node:http2';

interface Keepalive {
  /** How long nothing may come from a client before it is asked whether it is there; 0 is for ever. In milliseconds. */
  readonly keepaliveTimeMs: number;
  /** How long it may take to answer, in milliseconds. */
  readonly keepaliveTimeoutMs: number;
}

/**
 * Lets go of clients that are no longer there. The library would as well, but cuts connections that are on their way out (in a
 * drain, or because of their age) in the middle of a call: Node sends no ping after a GOAWAY, which it takes for no answer.
 */
export function keepAlive(server: Http2Server, { keepaliveTimeMs, keepaliveTimeoutMs }: Keepalive): void {
  if (keepaliveTimeMs === 0) return;
  server.on('session', (session) => {
    let received = session.socket.bytesRead;
    let isAsked = false;
    const look = () => {
      if (session.destroyed) return;
      const { bytesRead } = session.socket;
      const isSilent = bytesRead === received;
      if (isSilent && isAsked) return session.destroy();
      if (isSilent) ask(session);
      received = bytesRead;
      isAsked = isSilent;
      timer = setTimeout(look, isSilent ? keepaliveTimeoutMs : keepaliveTimeMs).unref();
    };
    let timer = setTimeout(look, keepaliveTimeMs).unref();
    session.once('close', () => clearTimeout(timer));
  });
}

/** By what has to be acknowledged: a ping, or settings that change nothing (RFC 9113, sections 6.7 and 6.5.3). */
function ask(session: Http2Session): void {
  if (!session.closed) session.ping(() => {});
  else if (!session.pendingSettingsAck) session.settings({});
}
