import { constants, type Http2Session } from 'node:http2';
import type { Limits } from '../limits.ts';

/** Counts the streams that each client resets. */
export interface Resets {
  /** Destroys the connection if the count exceeds the limit. */
  add(session: Http2Session, count: number): void;
  /** Sets all counts to 0. Call it once a sweep. */
  clear(): void;
}

export function countResets({ maxResets }: Limits): Resets {
  const counts = new Map<Http2Session, number>();
  return {
    add(session, count) {
      const resets = (counts.get(session) ?? 0) + count;
      counts.set(session, resets);
      if (resets > maxResets) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    },
    clear() {
      counts.clear();
    },
  };
}
