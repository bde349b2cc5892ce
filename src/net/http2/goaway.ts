import { constants, type Http2Session } from 'node:http2';

const notified = new WeakSet<Http2Session>();

/**
 * Sends a GOAWAY that cancels no request (RFC 9113, section 6.8). It tells the client to use another connection from now on, as
 * `Connection: close` does over HTTP/1.1.
 */
export function sendGoaway(session: Http2Session): void {
  if (notified.has(session) || session.closed || session.destroyed) return;
  notified.add(session);
  const highestStreamId = 2 ** 31 - 1;
  session.goaway(constants.NGHTTP2_NO_ERROR, highestStreamId);
}

/** Sends the GOAWAY, and closes the connection once the requests in flight by then are answered. */
export function closeGracefully(session: Http2Session, goawayGraceMs: number): void {
  sendGoaway(session);
  setTimeout(() => {
    if (!session.closed && !session.destroyed) session.close();
  }, goawayGraceMs);
}
