import type { Contender } from './contenders.ts';
import { loadHttp } from './load.ts';
import { startServer } from './server.ts';
import { median } from './statistics.ts';

/** CPU time a greeting by the number of connections, in microseconds, in turns. */
export async function costByConnections(
  contender: Contender,
  numbers: readonly number[],
  turns: number,
): Promise<Map<number, number>> {
  const server = await startServer(contender);
  const taken = new Map<number, number[]>(numbers.map((number) => [number, []]));
  try {
    await loadHttp(32)(server.port, 4);
    for (let turn = 0; turn < turns; turn += 1) {
      for (const [number, values] of taken) {
        const before = server.cpuMicros();
        const greetings = await loadHttp(number)(server.port, 2);
        values.push((server.cpuMicros() - before) / greetings);
      }
    }
  } finally {
    await server.stop();
  }
  return new Map([...taken].map(([number, values]) => [number, median(values)]));
}

/** Resident memory, in MB, when at least so many greetings were given. */
export async function memoryByGreetings(
  contender: Contender,
  numbers: readonly number[],
): Promise<Map<number, number>> {
  const server = await startServer(contender);
  const memory = new Map<number, number>();
  let given = 0;
  try {
    for (const number of numbers) {
      while (given < number) given += await loadHttp(32)(server.port, 1);
      memory.set(number, server.memoryMegabytes());
    }
  } finally {
    await server.stop();
  }
  return memory;
}
