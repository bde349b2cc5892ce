import { isUtf8 } from 'node:buffer';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  type Stats,
} from 'node:fs';
import { parseEnv } from 'node:util';

/** The largest `.env` file, in bytes. */
const maxBytes = 1_048_576;

const expectedEncoding = 'expected text in UTF-8, or in UTF-16 with a byte order mark';

/** Lists every fault of a `.env` file, one line each, with the file's name. */
export class DotenvError extends Error {
  override readonly name = 'DotenvError';
  readonly faults: readonly string[];

  constructor(path: string, faults: readonly string[]) {
    const named = faults.map((fault) => `${path}: ${fault}`);
    super(named.join('\n'));
    this.faults = named;
  }
}

/**
 * Reads a `.env` file in UTF-8, or in UTF-16 with a byte order mark. It never waits for a FIFO or a device.
 *
 * @returns its variables; none if there is no such file.
 * @throws {DotenvError} if the file cannot be read, or if any of it would be ignored.
 */
export function readDotenv(path = '.env'): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  const faults: string[] = [];
  for (const { line, entry } of entriesOf(decode(path, readBytes(path)))) {
    // One entry at a time: versions of Node differ in how a malformed line changes the next one.
    if (entry !== undefined) Object.assign(variables, parseEnv(entry));
    else faults.push(`line ${line}: expected NAME=value, with every quotation mark closed`);
  }
  if (faults.length > 0) throw new DotenvError(path, faults);
  return variables;
}

function readBytes(path: string): Buffer {
  const refuse = (fault: string, cause?: unknown) =>
    Object.assign(new DotenvError(path, [`expected a regular file that can be read; ${fault}`]), { cause });
  let descriptor: number | undefined;
  try {
    // Opening a FIFO would otherwise wait for its writer, and a terminal would become the controlling one.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = fstatSync(descriptor);
    if (stats.isFile() && stats.size <= maxBytes) return readFileSync(descriptor);
    // /dev/null in place of the file is the usual way to hide it.
    if (stats.isCharacterDevice() && readSync(descriptor, Buffer.alloc(1)) === 0) return Buffer.alloc(0);
    throw refuse(describeFile(stats));
  } catch (error) {
    if (error instanceof DotenvError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    // A symbolic link that leads nowhere is a mistake; no file at all is usual.
    if (code === 'ENOENT' && lstatSync(path, { throwIfNoEntry: false }) === undefined) return Buffer.alloc(0);
    throw refuse(message, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function describeFile(stats: Stats): string {
  if (stats.isFile()) return `it has more than ${maxBytes} bytes`;
  if (stats.isDirectory()) return 'it is a directory';
  return stats.isFIFO() ? 'it is a FIFO' : 'it is a device';
}

function decode(path: string, bytes: Buffer): string {
  const mark = bytes.toString('latin1', 0, 2);
  const isUtf16 = mark === '\xff\xfe' || mark === '\xfe\xff';
  if (!isUtf16 && !isUtf8(bytes)) {
    const line = bytes
      .toString('latin1')
      .split('\n')
      .findIndex((text) => !isUtf8(Buffer.from(text, 'latin1')));
    throw new DotenvError(path, [`line ${line + 1}: ${expectedEncoding}`]);
  }
  // A decoder removes the byte order mark, which would otherwise be part of the first name.
  const text = new TextDecoder(isUtf16 ? (mark === '\xff\xfe' ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(
    bytes,
  );
  if (!/[\0\ufffd]/.test(text)) return text;
  throw new DotenvError(path, [`${expectedEncoding}, without NUL characters`]);
}

interface Entry {
  readonly line: number;
  /** NAME=value, without white space around either; undefined if the line is malformed. */
  readonly entry: string | undefined;
}

/** The entries of a text, without blank lines and comments. A value in quotation marks may have several lines. */
function* entriesOf(text: string): Generator<Entry> {
  const lines = text.split(/\r\n?|\n/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    const start = lines[index] as string;
    if (/^\s*(#|$)/.test(start)) continue;
    const [, name, value = ''] = /^\s*(?:export\s+)?([^\s=#"'`]+)\s*=\s*(.*?)\s*$/.exec(start) ?? [];
    const quote = /^["'`]/.exec(value)?.[0];
    let quoted = value;
    // Only a comment may follow the closing mark.
    const isClosed = () => new RegExp(`^${quote}[^${quote}]*${quote}\\s*(#.*)?$`).test(quoted);
    let last = index;
    if (quote !== undefined)
      while (!quoted.includes(quote, 1) && last + 1 < lines.length) quoted += `\n${lines[++last]}`;
    if (name === undefined || (quote !== undefined && !isClosed())) yield { line, entry: undefined };
    else {
      index = last;
      yield { line, entry: `${name}=${quoted}` };
    }
  }
}
