import { type DestinationStream, pino } from 'pino';

/** How long a line waits, in milliseconds, and how many characters: a `kill -9` can lose this much. */
const flushIntervalMs = 100;
const batchLength = 16_384;

export interface LogOutput extends DestinationStream {
  /** Writes all waiting lines before it returns. */
  flush(): void;
  /** The same, under the name that the logger calls before the process ends. */
  flushSync(): void;
}

/**
 * Standard output, written in batches, synchronously. Waiting lines are written when the process exits, except by a signal that cannot be
 * handled. The library behind it handles a full pipe. It measures each text that it is given, which costs more than making the line;
 * therefore lines are joined here first.
 */
export function createLogOutput(): LogOutput {
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
