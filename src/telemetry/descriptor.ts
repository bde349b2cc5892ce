import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const newline = 0x0a;

/** A write to a pipe of up to this size is atomic: all or nothing, and never mixed with the writes of another process (POSIX, PIPE_BUF). */
const pipeBufferBytes = 4_096;

/**
 * A descriptor of standard output or standard error on which no write waits for a reader: it fails with EAGAIN instead. A file is written
 * as it is.
 *
 * @throws the system's error, such as ENXIO while a pipe has no reader.
 */
export function openWithoutWaiting(standard: 1 | 2): number {
  const stats = fstatSync(standard);
  if (!stats.isFIFO() && !stats.isSocket() && !isatty(standard)) return standard;
  if (!stats.isSocket()) {
    // Fails with EBADF on the read end of a pipe, which could be opened for writing below.
    if (stats.isFIFO()) writeSync(standard, '');
    try {
      // Opened a second time, because O_NONBLOCK on the first descriptor would apply to every process that shares it.
      const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
      return openSync(`/proc/self/fd/${standard}`, flags);
    } catch (error) {
      if (codeOf(error) === 'ENXIO') throw error;
    }
  }
  // Neither a socket nor a pipe of another user can be opened. Node sets O_NONBLOCK when it creates the stream, and resets it at exit.
  void (standard === 1 ? process.stdout : process.stderr);
  return standard;
}

/** Writes the bytes from `start` with one call: as many whole lines as one atomic write takes, or one longer line. */
export function writeLines(descriptor: number, bytes: Buffer, start: number): number {
  let length = bytes.length - start;
  if (length > pipeBufferBytes) {
    const last = bytes.lastIndexOf(newline, start + pipeBufferBytes - 1);
    length = (last < start ? bytes.indexOf(newline, start) : last) + 1 - start;
  }
  return writeSync(descriptor, bytes, start, length);
}

/** The code of a system's error. */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Calls `attempt` until it returns true. Blocks the process for at most this long, in milliseconds. */
export function retry(attempt: () => boolean, limitMs: number): void {
  const until = performance.now() + limitMs;
  while (!attempt() && performance.now() < until) Atomics.wait(sleeper, 0, 0, 5);
}

/** Writes to standard error before it returns. Without a reader, the text is lost after this time, in milliseconds. */
export function writeError(text: string, limitMs = 500): void {
  let bytes = Buffer.from(text);
  let descriptor: number | undefined;
  retry(() => {
    try {
      descriptor ??= openWithoutWaiting(2);
      bytes = bytes.subarray(writeSync(descriptor, bytes));
      return bytes.length === 0;
    } catch (error) {
      return codeOf(error) !== 'EAGAIN';
    }
  }, limitMs);
}
