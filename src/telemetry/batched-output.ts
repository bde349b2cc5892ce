import { type DestinationStream, pino } from 'pino';

/** How long a line may wait, in milliseconds, and how many characters may: what a `kill -9` can lose. */
const flushIntervalMs = 100;
const batchLength = 16_384;

export interface BatchedOutput extends DestinationStream {
  /** Writes out what waits, before it returns. */
  flush(): void;
  /** The same, by the name that the logger calls for its last words. */
  flushSync(): void;
}

/**
 * Standard output, written to in batches, synchronously; what waits is written out when the process exits by any path but a
 * signal that cannot be handled. The library behind it copes with a pipe that is full; it measures each text it is given,
 * which costs a line more than making it, and is why lines are gathered here before.
 */
export function createBatchedOutput(): BatchedOutput {
  const output = pino.destination({ fd: 1, sync: true });
  let batch = '';
  let timer: NodeJS.Timeout | undefined;

  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (batch === '') return;
    const text = batch;
    batch = '';
    output.write(text);
  };
  process.on('exit', () => {
    flush();
    output.flushSync();
  });
  return {
    write(line) {
      batch += line;
      if (batch.length >= batchLength) flush();
      else timer ??= setTimeout(flush, flushIntervalMs).unref();
    },
    flush,
    flushSync: flush,
  };
}
