import type { DestinationStream } from 'pino';
import { stampTime } from './access-log.ts';
import { codeOf, openWithoutWaiting, retry, writeError, writeLines } from './descriptor.ts';

/** A batch is written after this time, in milliseconds, or when it has this many characters. `kill -9` loses at most one batch. */
const flushIntervalMs = 100;
const batchLength = 16_384;

/** The most that waits for a slow reader, in bytes: about 4,500 lines. */
const maxWaitingBytes = 1_048_576;

/** How long the process waits for the reader when it exits, in milliseconds. */
const exitWaitMs = 500;

const newline = 0x0a;

export interface LogOutput extends DestinationStream {
  /** How many lines could not be written. */
  readonly droppedLines: number;
  /** Writes as many of the waiting lines as the reader takes at once. */
  flush(): void;
  /** The same, under the name that pino calls before the process ends. */
  flushSync(): void;
  /** Writes the waiting lines before the process ends. It waits for a slow reader for a time, and reports lost lines on standard error. */
  finish(): void;
}

/** Whole lines. */
interface Block {
  bytes: Buffer;
  /** How many of the bytes are written. */
  start: number;
  /** How many lost lines its first line reports; 0 if the first line is not a notice. */
  readonly reported: number;
}

/**
 * Standard output, written in batches, in order, and without waiting for its reader: a log that cannot be written costs lines, not
 * greetings. While the reader is slow, lines wait in a bounded queue. They are lost when it is full, or when the system refuses them (a
 * full disk, a reader that has left). Lost lines are counted, and a notice takes their place once the log can be written again. When the
 * process exits, the queue is written; lines that are lost then are reported on standard error.
 *
 * @param format changes each line before it is written.
 */
export function createLogOutput(format?: (line: string) => string): LogOutput {
  const queue: Block[] = [];
  let batch = '';
  let timer: NodeJS.Timeout | undefined;
  let descriptor: number | undefined;
  let dropped = 0;
  /** Lost lines that no notice has reported yet, the last of them, and the error of the last write that failed. */
  let unreported = 0;
  let lastLost = '';
  let reason = '';
  /** Memory for a block that is written at once. A block that waits gets its own. */
  const scratch = Buffer.allocUnsafeSlow(4 * batchLength);

  const lose = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    let count = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
    dropped += count;
    unreported += count;
    lastLost = bytes.toString('utf8', bytes.lastIndexOf(newline, -2) + 1);
  };
  const loseQueue = () => {
    for (const { bytes, start, reported } of queue.splice(0)) {
      const isNotice = start === 0 && reported > 0;
      // The rest of a line stays, or the next line would be appended to its first part.
      const isTorn = start > 0 && bytes[start - 1] !== newline;
      const next = isNotice || isTorn ? bytes.indexOf(newline, start) + 1 : start;
      if (isNotice) unreported += reported;
      if (isTorn) queue.push({ bytes: bytes.subarray(0, next), start, reported: 0 });
      lose(bytes.subarray(next));
    }
  };
  const enqueue = (lines: string) => {
    const reported = unreported;
    const notice = reported > 0 ? noticeOf(reported, reason) : '';
    const text = (format && reported > 0 ? format(notice) : notice) + lines;
    const isShared = queue.length === 0 && 3 * text.length <= scratch.length;
    const bytes = isShared ? scratch.subarray(0, scratch.write(text)) : Buffer.from(text);
    const waiting = queue.reduce((sum, block) => sum + block.bytes.length, 0);
    if (waiting + bytes.length > maxWaitingBytes) return lose(Buffer.from(lines));
    unreported = 0;
    queue.push({ bytes, start: 0, reported });
  };
  const writeQueue = () => {
    try {
      descriptor ??= openWithoutWaiting(1);
      for (let block = queue[0]; block !== undefined; block = queue[0]) {
        while (block.start < block.bytes.length)
          block.start += writeLines(descriptor, block.bytes, block.start);
        queue.shift();
      }
    } catch (error) {
      reason = codeOf(error);
      if (reason !== 'EAGAIN') loseQueue();
      for (const block of queue)
        if (block.bytes.buffer === scratch.buffer) block.bytes = Buffer.from(block.bytes);
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    const lines = batch;
    batch = '';
    if (lines !== '' || (unreported > 0 && queue.length === 0)) enqueue(lines);
    writeQueue();
    if (queue.length > 0 || unreported > 0) timer = setTimeout(flush, flushIntervalMs).unref();
  };
  const write = (line: string) => {
    batch += line;
    if (batch.length >= batchLength) flush();
    else timer ??= setTimeout(flush, flushIntervalMs).unref();
  };
  const finish = () => {
    retry(() => {
      flush();
      return queue.length === 0 || reason !== 'EAGAIN';
    }, exitWaitMs);
    loseQueue();
    unreported += queue.length;
    if (unreported === 0) return;
    const fact = `${unreported} log lines could not be written to standard output (${reason})`;
    // Does not wait: standard error may have the same slow reader.
    writeError(`${fact}. The last one: ${lastLost}`, 0);
    unreported = 0;
  };
  process.on('exit', finish);
  return {
    get droppedLines() {
      return dropped;
    },
    write: format ? (line) => write(format(line)) : write,
    flush,
    flushSync: flush,
    finish,
  };
}

function noticeOf(lostLines: number, code: string): string {
  const fields = `"droppedLines":${lostLines},"code":"${code}"`;
  return `{"level":"error"${stampTime()},${fields},"msg":"log lines are missing here: standard output could not be written"}\n`;
}
