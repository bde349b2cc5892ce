import type { Contender } from '../contenders.ts';
import type { Server } from '../server.ts';
import { median } from '../statistics.ts';
import { type CountedServer, type Counts, startCounted } from './counted-server.ts';
import type { Greetings } from './h2load.ts';

export interface Effort {
  /** Greetings before the count starts, so that V8 has compiled and optimised the code. */
  readonly warmUp: number;
  readonly samples: number;
  readonly greetingsPerSample: number;
}

/** With 8,000 greetings to warm up, Node 26 still compiles during the samples: two thirds more instructions than later. */
export const usualEffort: Effort = { warmUp: 30_000, samples: 5, greetingsPerSample: 3_000 };

/** The cost of a greeting: the medians of all samples, and the lowest and highest sample. */
export interface Cost extends Counts {
  readonly spread: readonly [least: number, most: number];
}

/** Each round opens new connections, so that the code for opening and closing them is warm, too. */
const warmUpRound = 2_000;

export async function warmUp({ port }: Server, send: Greetings, greetings: number): Promise<void> {
  for (let sent = 0; sent < greetings; sent += warmUpRound) await send(port, warmUpRound);
}

export async function countGreetings(
  server: CountedServer,
  send: Greetings,
  greetings: number,
): Promise<Counts> {
  const before = server.counts();
  await send(server.port, greetings);
  const after = server.counts();
  return {
    instructions: after.instructions - before.instructions,
    systemCalls: after.systemCalls - before.systemCalls,
  };
}

/** Counts the instructions of a contender in a new process. */
export async function measure(contender: Contender, send: Greetings, effort: Effort): Promise<Cost> {
  const { greetingsPerSample } = effort;
  const server = await startCounted(contender);
  try {
    await warmUp(server, send, effort.warmUp);
    const samples: Counts[] = [];
    for (let sample = 0; sample < effort.samples; sample += 1) {
      samples.push(await countGreetings(server, send, greetingsPerSample));
    }
    const instructions = samples.map((sample) => sample.instructions / greetingsPerSample);
    return {
      instructions: median(instructions),
      systemCalls: median(samples.map((sample) => sample.systemCalls / greetingsPerSample)),
      spread: [Math.min(...instructions), Math.max(...instructions)],
    };
  } finally {
    await server.stop();
  }
}
