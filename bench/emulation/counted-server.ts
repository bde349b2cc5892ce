import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contenders.ts';
import { type Server, startServer } from '../server.ts';
import { buildLibrary, scratch } from './library.ts';
import { qemu } from './tools.ts';

export interface Counts {
  readonly instructions: number;
  readonly systemCalls: number;
}

export interface CountedServer extends Server {
  /** User-mode instructions and system calls of all threads since the start. */
  counts(): Counts;
}

const counter = new URL('counter.c', import.meta.url);
const slowClock = new URL('slow-clock.c', import.meta.url);
let started = 0;

/** Runs a contender under the emulator. The plugin keeps its counts in the file `out`. */
export function emulate({ command, env, ...contender }: Contender, plugin: string, out: string): Contender {
  return {
    ...contender,
    command: [
      qemu,
      '-plugin',
      `${plugin},out=${out}`,
      '-E',
      `LD_PRELOAD=${buildLibrary(slowClock)}`,
      ...command,
    ],
    // Emulated code is far slower, and greet would take that for overload.
    env: { ...env, MAX_EVENT_LOOP_DELAY_MS: '3600000' },
  };
}

/** Starts a contender under the emulator and waits until it accepts connections. */
export async function startCounted(contender: Contender): Promise<CountedServer> {
  started += 1;
  const out = join(scratch, `counts-${started}`);
  const server = await startServer(emulate(contender, buildLibrary(counter), out));
  return {
    ...server,
    counts() {
      const file = readFileSync(out);
      return {
        instructions: Number(file.readBigUInt64LE(0)),
        systemCalls: Number(file.readBigUInt64LE(8)),
      };
    },
  };
}
