import { constants, type Http2Session } from 'node:http2';

/** How long a request may be on its way that was sent before its caller read the farewell, in milliseconds. */
const farewellMs = 250;

const asked = new WeakSet<Http2Session>();

/**
 * Asks the caller to come back on another connection, and goes on serving this one (RFC 9113, section 6.8): what HTTP/1.1 says
 * with `Connection: close`.
 */
export function askToLeave(session: Http2Session): void {
  if (asked.has(session) || session.closed || session.destroyed) return;
  asked.add(session);
  const noneIsTooLate = 2 ** 31 - 1;
  session.goaway(constants.NGHTTP2_NO_ERROR, noneIsTooLate);
}

/** The same, and closes the connection when what was on its way by then is answered. */
export function dismiss(session: Http2Session): void {
  askToLeave(session);
  setTimeout(() => {
    if (!session.closed && !session.destroyed) session.close();
  }, farewellMs);
}
