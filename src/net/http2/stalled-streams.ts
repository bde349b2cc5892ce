import { constants } from 'node:http2';
import type { Limits } from '../limits.ts';
import { isUnread, type OpenStream } from './open-streams.ts';

/** Closes a stream if its response is complete, or if its client has read nothing for `stalledSweeps`. Call it once a sweep. */
export function closeIfStalled(entry: OpenStream, { stalledSweeps }: Limits): void {
  const { stream } = entry;
  if (!isUnread(stream)) {
    entry.stalled = 0;
    // The rest of the request is of no use (RFC 9113, section 8.1). After a response without a body Node waits for it.
    if (isAnswered(entry)) stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  if (entry.stalled === 0) stream.once('drain', () => Object.assign(entry, { stalled: 0 }));
  entry.stalled += 1;
  // Other streams of the connection go on, unless the client does not even read the reset.
  if (entry.stalled === stalledSweeps) stream.close(constants.NGHTTP2_CANCEL);
  else if (entry.stalled > stalledSweeps + 1) stream.session?.destroy();
}

/** Cancels the oldest stream whose client is slow to read. */
export function cancelOldestUnread(streams: Iterable<OpenStream>, { maxSearched }: Limits): void {
  let searched = 0;
  for (const entry of streams) {
    if (isUnread(entry.stream) || isAnswered(entry)) return void entry.stream.destroy();
    searched += 1;
    if (searched === maxSearched) return;
  }
}

function isAnswered({ stream }: OpenStream): boolean {
  return stream.headersSent && stream.writableFinished;
}
