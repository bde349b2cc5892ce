import { get } from 'node:http';
import type { Contender } from './contenders.ts';
import { spawnServer } from './server.ts';
import { median } from './statistics.ts';

/** From the start of the process to its first greeting, in milliseconds: medians of so many starts, the contenders in turn. */
export async function coldStarts(
  contenders: readonly Contender[],
  times: number,
): Promise<Map<string, number>> {
  const taken = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let time = 0; time < times; time += 1) {
    for (const contender of contenders) {
      const startedAt = performance.now();
      const server = await spawnServer(contender);
      while (!(await isGreeted(server.port))) {
        if (performance.now() - startedAt > 20_000) throw new Error(`${contender.name} does not greet`);
      }
      taken.get(contender.name)?.push(performance.now() - startedAt);
      await server.stop();
    }
  }
  return new Map([...taken].map(([name, values]) => [name, median(values)]));
}

function isGreeted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/greet?name=Alice', agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    }).on('error', () => setTimeout(resolve, 2, false));
  });
}
