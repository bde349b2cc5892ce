import type { Contender } from './contenders.ts';
import { loadHttp } from './load.ts';
import { startServer } from './server.ts';
import { median } from './statistics.ts';

/** CPU time a greeting by the number of connections, in microseconds, in turns with the floor, which takes more of them, too. */
export async function costByConnections(
  contenders: readonly Contender[],
  numbers: readonly number[],
  turns: number,
): Promise<Map<string, number>> {
  const servers = await Promise.all(contenders.map(startServer));
  const taken = new Map<string, number[]>();
  try {
    for (const { port } of servers) await loadHttp(32)(port, 4);
    for (let turn = 0; turn < turns; turn += 1) {
      for (const number of numbers) {
        for (const { contender, port, cpuMicros } of servers) {
          const before = cpuMicros();
          const greetings = await loadHttp(number)(port, 2);
          const values = getOrAdd(taken, `${contender.name}, ${number}`);
          values.push((cpuMicros() - before) / greetings);
        }
      }
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
  return new Map([...taken].map(([key, values]) => [key, median(values)]));
}

function getOrAdd(lists: Map<string, number[]>, key: string): number[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
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
