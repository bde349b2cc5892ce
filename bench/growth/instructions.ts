import type { Contender } from '../contenders.ts';
import { type CountedServer, startCounted } from '../emulation/counted-server.ts';
import type { Greetings } from '../emulation/h2load.ts';
import { countGreetings } from '../emulation/measure.ts';
import type { Open } from './open-connections.ts';

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
  open: Open,
  numbers: readonly number[],
  greetings: { readonly warmUp: number; readonly counted: number },
): Promise<CostAtConnections[]> {
  const costs: CostAtConnections[] = [];
  for (const connections of numbers) {
    const server = await startCounted(contender);
    try {
      const held = await open(server.port, connections);
      await held.greet(greetings.warmUp);
      const send: Greetings = (_port, count) => held.greet(count);
      const greeting =
        (await countGreetings(server, send, greetings.counted)).instructions / greetings.counted;
      await held.close();
      await untilIdle(server);
      const openAndClose: Greetings = async (port, count) => {
        await (await open(port, count)).close();
        await untilIdle(server);
      };
      const opened = (await countGreetings(server, openAndClose, connections)).instructions / connections;
      costs.push({ connections, greeting, connection: opened - greeting });
    } finally {
      await server.stop();
    }
  }
  return costs;
}

/** Waits until the server has noticed that all connections are closed: it works no more. */
async function untilIdle({ counts }: CountedServer): Promise<void> {
  let before: number;
  do {
    before = counts().instructions;
    await new Promise((resolve) => setTimeout(resolve, 500));
  } while (counts().instructions - before > 1e6);
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
