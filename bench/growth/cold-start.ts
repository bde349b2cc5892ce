import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import type { Contender } from '../contenders.ts';
import { startCounted } from '../emulation/counted-server.ts';
import { qemu } from '../emulation/tools.ts';
import { type Server, spawnServer } from '../server.ts';
import { median } from '../statistics.ts';

/** The time from the start of the process to its first greeting, in milliseconds: medians of several starts, the contenders in turn. */
export async function coldStartTimes(
  contenders: readonly Contender[],
  times: number,
): Promise<Map<string, number>> {
  const taken = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let time = 0; time < times; time += 1) {
    for (const contender of contenders) {
      const startedAt = performance.now();
      const server = await spawnServer(contender);
      await untilGreeted(server);
      taken.get(contender.name)?.push(performance.now() - startedAt);
      await server.stop();
    }
  }
  return new Map([...taken].map(([name, values]) => [name, median(values)]));
}

/** Instructions from the start of the process to its first greeting. */
export async function coldStartInstructions(contender: Contender): Promise<number> {
  rehearseEmulated(contender);
  const server = await startCounted(contender);
  try {
    await untilGreeted(server);
    return server.counts().instructions;
  } finally {
    await server.stop();
  }
}

/**
 * The build saves the code that V8 compiled in a rehearsal, for the CPU of this machine. V8 sees the emulated CPU as another one, so the
 * program is rehearsed there, too.
 */
function rehearseEmulated({ command: [node, entry = ''] }: Contender): void {
  const checkout = dirname(dirname(entry));
  const script = ['bundle/rehearse.mjs', 'scripts/bundle/rehearse.mjs', 'scripts/rehearse.mjs']
    .map((path) => join(checkout, path))
    .find(existsSync);
  if (script !== undefined) execFileSync(qemu, [node, script], { stdio: 'ignore' });
}

async function untilGreeted(server: Server): Promise<void> {
  for (const until = performance.now() + 120_000; !(await isGreeted(server.port)); ) {
    if (server.hasExited() || performance.now() > until)
      throw new Error(`${server.contender.name} does not greet`);
  }
}

function isGreeted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/greet?name=Alice', agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode === 200));
    }).on('error', () => setTimeout(resolve, 2, false));
  });
}
