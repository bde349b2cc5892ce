import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';

/** A named pipe, which the kernel treats like an unnamed one. This process holds the read end and one write end. */
export class NamedPipe {
  readonly writer: number;
  #reader: number | undefined;
  readonly #path: string;

  constructor(path: string) {
    execFileSync('mkfifo', [path]);
    this.#path = path;
    this.openReader();
    this.writer = openSync(path, constants.O_WRONLY);
  }

  openReader(): void {
    this.#reader = openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  closeReader(): void {
    if (this.#reader !== undefined) closeSync(this.#reader);
    this.#reader = undefined;
  }

  /** Reads the current content of the pipe. */
  read(): string {
    const parts: Buffer[] = [];
    try {
      for (;;) {
        const bytes = Buffer.alloc(65_536);
        const length = readSync(this.#reader as number, bytes);
        if (length === 0) break;
        parts.push(bytes.subarray(0, length));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
    return Buffer.concat(parts).toString();
  }

  dispose(): void {
    this.closeReader();
    closeSync(this.writer);
  }
}
