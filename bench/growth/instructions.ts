import type { Contender } from '../contenders.ts';
import { startCounted } from '../emulation/counted-server.ts';
import type { Greetings } from '../emulation/h2load.ts';
import { countGreetings, warmUp } from '../emulation/measure.ts';

export interface CostAtConnections {
  readonly connections: number;
  /** Instructions of one greeting on an open connection. */
  readonly greeting: number;
  /** Instructions to open and close one connection. */
  readonly connection: number;
}

/** The cost of a greeting and of a connection, by the number of open connections. */
export async function costByConnections(
  contender: Contender,
  sendOver: (connections: number) => Greetings,
  numbers: readonly number[],
  warmUpGreetings: number,
): Promise<CostAtConnections[]> {
  const [few, many] = [10_000, 40_000];
  const costs: CostAtConnections[] = [];
  for (const connections of numbers) {
    const server = await startCounted(contender);
    try {
      const send = sendOver(connections);
      // Code that is not compiled yet accepts connections so slowly that the kernel drops some of a thousand.
      await warmUp(server, sendOver(Math.min(...numbers)), warmUpGreetings);
      await warmUp(server, send, warmUpGreetings);
      // Both runs open and close the same number of connections, so their difference is the cost of greetings alone.
      const short = (await countGreetings(server, send, few)).instructions;
      const long = (await countGreetings(server, send, many)).instructions;
      const greeting = (long - short) / (many - few);
      costs.push({ connections, greeting, connection: (short - few * greeting) / connections });
    } finally {
      await server.stop();
    }
  }
  return costs;
}

export interface CostAfterGreetings {
  readonly after: number;
  readonly greeting: number;
}

/** How many greetings are counted after a mark: many more than the connections that they open. */
const countedAfter = (mark: number) => Math.min(Math.max(mark / 10, 1_000), 20_000);

/** The cost of a greeting after this many of them. */
export async function costByGreetings(
  contender: Contender,
  send: Greetings,
  marks: readonly number[],
): Promise<CostAfterGreetings[]> {
  const server = await startCounted(contender);
  const costs: CostAfterGreetings[] = [];
  let sent = 0;
  try {
    for (const after of marks) {
      await send(server.port, after - sent);
      const counted = countedAfter(after);
      const { instructions } = await countGreetings(server, send, counted);
      costs.push({ after, greeting: instructions / counted });
      sent = after + counted;
    }
  } finally {
    await server.stop();
  }
  return costs;
}
