import { constants, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { Limits } from '../limits.ts';
import { countResets, type Resets } from './reset-flood.ts';

export interface OpenStream {
  readonly stream: ServerHttp2Stream;
  /** Sweeps in a row in which the stream waited for its client. */
  stalled: number;
  /** Called once, when the stream has closed. */
  onClosed(): void;
}

/** New streams after which the closed ones are removed from the list. */
const streamsPerCleanup = 32;

/** The open streams of all connections, in order of arrival. Both HTTP/2 and gRPC limit them. */
export class OpenStreams<Entry extends OpenStream> implements Iterable<Entry> {
  readonly resets: Resets;
  readonly #limits: Limits;
  // Not a Set: V8 may keep the old tables of a Set, and the streams in them, until a full garbage collection.
  #entries: Entry[] = [];
  #nextCleanupAt = streamsPerCleanup;
  #size = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.resets = countResets(limits);
  }

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Iterator<Entry> {
    for (const entry of this.#entries) if (!entry.stream.destroyed) yield entry;
  }

  /**
   * Decides whether a new stream is served, and closes it if there are too many.
   *
   * @param open the number of streams that count towards the limit.
   */
  admit(stream: ServerHttp2Stream, session: Http2Session, open: number): 'served' | 'cancelled' | 'too-many' {
    if (stream.closed || stream.destroyed) {
      stream.on('error', ignore);
      this.resets.add(session, this.#limits.resetsPerInstantCancel);
      return 'cancelled';
    }
    if (open < this.#limits.maxStreams) return 'served';
    stream.on('error', ignore).close(constants.NGHTTP2_REFUSED_STREAM);
    return 'too-many';
  }

  /** Lists a stream until it closes. Counts a reset by the client. */
  add(entry: Entry, session: Http2Session): void {
    if (this.#entries.length >= this.#nextCleanupAt) this.#cleanUp();
    this.#entries.push(entry);
    this.#size += 1;
    entry.stream.on('close', () => {
      this.#size -= 1;
      if (entry.stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.resets.add(session, 1);
      entry.onClosed();
    });
  }

  /** Forgets the closed streams, and the resets that it has counted. Call it once a sweep. */
  sweep(): void {
    this.#cleanUp();
    this.resets.clear();
  }

  #cleanUp(): void {
    this.#entries = this.#entries.filter(({ stream }) => !stream.destroyed);
    this.#nextCleanupAt = this.#entries.length + streamsPerCleanup;
  }
}

/** True while the client has not read the whole response, or a reset. */
export function isUnread(stream: ServerHttp2Stream): boolean {
  return stream.closed || (stream.headersSent && stream.writableLength > 0);
}

/** Ignores an error: the stream closes after it. An error without a listener would end the process. */
export function ignore(): void {}
