import type { Contender } from '../contenders.ts';
import { startCounted } from '../emulation/counted-server.ts';
import type { Greetings } from '../emulation/h2load.ts';
import { countGreetings, warmUp } from '../emulation/measure.ts';

export interface CostAtConnections {
  readonly connections: number;
  /** Instructions of a greeting on an open connection. */
  readonly greeting: number;
  /** Instructions of a connection, opened and closed. */
  readonly connection: number;
}

/** What a greeting and a connection take, by the number of connections at once. */
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
      await warmUp(server, send, warmUpGreetings);
      // Both open and close as many connections, so their difference is greetings alone.
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

/** How many greetings are counted after a mark: many compared with the connections that they open. */
const countedAfter = (mark: number) => Math.min(Math.max(mark / 10, 1_000), 20_000);

/** What a greeting takes after so many of them. */
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
