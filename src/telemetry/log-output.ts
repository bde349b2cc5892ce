import type { DestinationStream } from 'pino';
import { stampTime } from './access-log.ts';
import { codeOf, openWithoutWaiting, retry, writeError, writeLines } from './descriptor.ts';

/** How long a line waits for others, in milliseconds, and how many characters: a `kill -9` can lose this much. */
const flushIntervalMs = 100;
const batchLength = 16_384;

/** What may wait for a reader that does not keep up, in bytes: about 4,500 lines. */
const maxWaitingBytes = 1_048_576;

/** How long the process waits for the reader when it exits, in milliseconds. */
const exitWaitMs = 500;

const newline = 0x0a;

export interface LogOutput extends DestinationStream {
  /** How many lines could not be written. */
  readonly droppedLines: number;
  /** Writes what waits, as far as the reader takes it at once. */
  flush(): void;
  /** The same, under the name that the logger calls before the process ends. */
  flushSync(): void;
  /** Writes what waits before the process ends: waits for the reader if need be, and tells on standard error what is lost. */
  finish(): void;
}

/** Whole lines. */
interface Block {
  bytes: Buffer;
  /** How many of the bytes are written. */
  start: number;
  /** How many lost lines its first line tells of; 0 if the first line is no notice. */
  readonly told: number;
}

/**
 * Standard output, written in batches, in order, and without waiting for its reader: a log that cannot be written costs lines, not
 * greetings. While the reader is slow, lines wait in a bounded queue. They are lost when it is full, or when the system refuses them (a
 * full disk, a reader that has left). Lost lines are counted, and a notice takes their place once the log can be written again. When the
 * process exits, the queue is written; what is lost then is told on standard error.
 *
 * @param format changes each line before it is written.
 */
export function createLogOutput(format?: (line: string) => string): LogOutput {
  const queue: Block[] = [];
  let batch = '';
  let timer: NodeJS.Timeout | undefined;
  let descriptor: number | undefined;
  let dropped = 0;
  /** Lost lines of which no notice tells yet, the last of them, and the error of the last write that failed. */
  let untold = 0;
  let lastLost = '';
  let reason = '';
  /** Holds the block that is written at once, which needs no memory of its own. */
  const scratch = Buffer.allocUnsafeSlow(4 * batchLength);

  const lose = (bytes: Buffer) => {
    if (bytes.length === 0) return;
    let count = 0;
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
    dropped += count;
    untold += count;
    lastLost = bytes.toString('utf8', bytes.lastIndexOf(newline, -2) + 1);
  };
  const loseQueue = () => {
    for (const { bytes, start, told } of queue.splice(0)) {
      const isNotice = start === 0 && told > 0;
      // The rest of a line stays, or the next line would be appended to its first part.
      const isTorn = start > 0 && bytes[start - 1] !== newline;
      const next = isNotice || isTorn ? bytes.indexOf(newline, start) + 1 : start;
      if (isNotice) untold += told;
      if (isTorn) queue.push({ bytes: bytes.subarray(0, next), start, told: 0 });
      lose(bytes.subarray(next));
    }
  };
  const enqueue = (lines: string) => {
    const told = untold;
    const notice = told > 0 ? noticeOf(told, reason) : '';
    const text = (format && told > 0 ? format(notice) : notice) + lines;
    const isShared = queue.length === 0 && 3 * text.length <= scratch.length;
    const bytes = isShared ? scratch.subarray(0, scratch.write(text)) : Buffer.from(text);
    const waiting = queue.reduce((sum, block) => sum + block.bytes.length, 0);
    if (waiting + bytes.length > maxWaitingBytes) return lose(Buffer.from(lines));
    untold = 0;
    queue.push({ bytes, start: 0, told });
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
    if (lines !== '' || (untold > 0 && queue.length === 0)) enqueue(lines);
    writeQueue();
    if (queue.length > 0 || untold > 0) timer = setTimeout(flush, flushIntervalMs).unref();
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
    untold += queue.length;
    if (untold === 0) return;
    const fact = `${untold} log lines could not be written to standard output (${reason})`;
    // Not waited for: its reader may be the one that does not read.
    writeError(`${fact}. The last one: ${lastLost}`, 0);
    untold = 0;
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
