import type { Contender } from '../contenders.ts';
import { startServer } from '../server.ts';
import type { Load } from '../times/load.ts';

/** Resident memory, in MB, after at least this many greetings. */
export async function memoryByGreetings(
  contender: Contender,
  load: Load,
  marks: readonly number[],
): Promise<Map<number, number>> {
  const server = await startServer(contender);
  const memory = new Map<number, number>();
  let greetings = 0;
  try {
    for (const mark of marks) {
      while (greetings < mark) greetings += await load(server.port, 1);
      memory.set(mark, server.memoryMegabytes());
    }
  } finally {
    await server.stop();
  }
  return memory;
}
