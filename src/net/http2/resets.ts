import { constants, type Http2Session } from 'node:http2';

/** What a caller may take back of a connection within a second; nghttp2 gives the connection up after some more, but keeps it. */
const maxResets = 500;
/** How many of those a request stands for that is taken back in the breath that begins it: nobody does who wants an answer. */
export const resetsPerFeint = 10;

/** What callers over HTTP/2 take back of what they asked, by connection. */
export interface Resets {
  /** Ends the connection when it is too much. */
  add(session: Http2Session, count: number): void;
  /** To be called once a second. */
  startAnew(): void;
}

export function countResets(): Resets {
  const counts = new Map<Http2Session, number>();
  return {
    add(session, count) {
      const resets = (counts.get(session) ?? 0) + count;
      counts.set(session, resets);
      if (resets > maxResets) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    },
    startAnew() {
      counts.clear();
    },
  };
}
