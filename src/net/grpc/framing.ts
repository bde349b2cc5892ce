import type { CallRefusalCode } from './refusal.ts';

/** Bytes before each message: a flag, and the length in four bytes (Length-Prefixed-Message). */
const prefixBytes = 5;

/** The chunk is exactly one message that is not compressed, as almost every request is. */
export function isWholeMessage(chunk: Buffer): boolean {
  return (
    chunk[0] === 0 && chunk.length >= prefixBytes && chunk.readUInt32BE(1) === chunk.length - prefixBytes
  );
}

/**
 * Checks the frames of messages that arrive in pieces. grpc-js does not: it reads every flag other than 1 as "not compressed", ignores a 1
 * if the call has no encoding, and drops an incomplete message at the end.
 */
export class FrameChecker {
  readonly #isCompressed: boolean;
  #prefix: number[] = [];
  /** Bytes of the message that have not arrived. */
  #missing = 0;

  constructor(isCompressed: boolean) {
    this.#isCompressed = isCompressed;
  }

  /** True between two messages, and before the first one. */
  get isComplete(): boolean {
    return this.#missing === 0 && this.#prefix.length === 0;
  }

  /** Reads the next chunk. @returns the fault that it contains, if any. */
  read(chunk: Buffer): CallRefusalCode | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#missing > 0) {
        const taken = Math.min(this.#missing, chunk.length - at);
        this.#missing -= taken;
        at += taken;
        continue;
      }
      this.#prefix.push(chunk[at] as number);
      at += 1;
      if (this.#prefix.length < prefixBytes) continue;
      const [flag = 0, ...length] = this.#prefix;
      this.#prefix = [];
      this.#missing = Buffer.from(length).readUInt32BE();
      if (flag > 1) return 'frame-malformed';
      if (flag === 1 && !this.#isCompressed) return 'encoding-missing';
    }
    return undefined;
  }
}
