/**
 * Accounts for all instructions of a greeting, step by step: npm run bench:attribution
 *
 *   --against DIR   also counts the sources of another checkout, in the same run
 *
 * Prints tables and writes bench/attribution.json. On x86-64 only.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { account } from './attribution/account.ts';
import { record } from './attribution/record.ts';
import { stage } from './attribution/stage.ts';
import { eventLoop, otherThreads, ownerOf, stepAt } from './attribution/steps.ts';
import { barePeers, type Contender, grpcFloor, grpcLibrary, httpFloor } from './contenders.ts';
import { type Greetings, greetOverGrpc, greetOverHttp } from './emulation/h2load.ts';
import { greetsOf, thisNode } from './emulation/subjects.ts';
import { requireTools } from './emulation/tools.ts';
import { markdownTable } from './markdown-table.ts';
import { mergeResult } from './result-file.ts';

requireTools();
const { values: options } = parseArgs({ options: { against: { type: 'string' } } });
const here = stage(fileURLToPath(new URL('..', import.meta.url)));
const there = options.against === undefined ? undefined : stage(options.against);

/** Steps with fewer instructions are shown together with others of their kind. */
const smallest = 100;

interface Column {
  readonly name: string;
  readonly steps: ReadonlyMap<string, number>;
  readonly owners: ReadonlyMap<string, number>;
}

async function columnOf(contender: Contender, send: Greetings, warmUpGreetings: number): Promise<Column> {
  const greetings = 6_000;
  const threads = await record(contender, send, { warmUpGreetings, greetings });
  const own = contender.command.at(-1)?.replace(/main\.js$/, '') ?? '';
  const perGreeting = (sums: ReadonlyMap<string, number>) =>
    new Map([...sums].map(([name, sum]) => [name, sum / greetings]));
  const column = {
    name: contender.name,
    steps: perGreeting(
      account(threads, (symbol, current) => stepAt(symbol, current, own), {
        main: eventLoop,
        others: otherThreads,
      }),
    ),
    owners: perGreeting(
      account(threads, (symbol) => ownerOf(symbol, own), { main: 'Node', others: otherThreads }),
    ),
  };
  process.stderr.write(`${contender.name}: ${Math.round(totalOf(column.steps))}\n`);
  return column;
}

const totalOf = (sums: ReadonlyMap<string, number>) =>
  [...sums.values()].reduce((sum, value) => sum + value, 0);

function show(title: string, columns: readonly Column[], what: 'steps' | 'owners'): string {
  const last = (name: string) => columns.at(-1)?.[what].get(name) ?? 0;
  const names = [...new Set(columns.flatMap((column) => [...column[what].keys()]))];
  const isLarge = (name: string) => columns.some((column) => (column[what].get(name) ?? 0) >= smallest);
  const large = names.filter(isLarge).sort((one, other) => last(other) - last(one));
  const small = names.filter((name) => !isLarge(name));
  const count = (value: number) => (value === 0 ? '' : Math.round(value).toLocaleString('en'));
  const row = (name: string, of: (column: Column) => number) => [
    name,
    ...columns.map((column) => count(of(column))),
  ];
  return markdownTable(
    [title, ...columns.map(({ name }) => name)],
    [
      ...large.map((name) => row(name, (column) => column[what].get(name) ?? 0)),
      row('each below 100', (column) => small.reduce((sum, name) => sum + (column[what].get(name) ?? 0), 0)),
      row('all', (column) => totalOf(column[what])),
    ],
  );
}

async function attribute(
  title: string,
  contenders: readonly Contender[],
  send: Greetings,
  warmUpGreetings: number,
) {
  const columns: Column[] = [];
  for (const contender of contenders) columns.push(await columnOf(contender, send, warmUpGreetings));
  console.log(show(`${title}, instructions a greeting`, columns, 'steps'));
  console.log(show(`${title}, by whose code`, columns, 'owners'));
  return columns.map(({ name, steps, owners }) => ({
    name,
    steps: Object.fromEntries(steps),
    owners: Object.fromEntries(owners),
  }));
}

const fastify = barePeers.filter(({ name }) => name === 'Fastify, bare');
mergeResult('attribution', thisNode.major, {
  node: thisNode.version,
  date: new Date().toISOString().slice(0, 10),
  http: await attribute(
    'HTTP',
    [httpFloor, ...fastify, ...greetsOf('greet', there, { checkout: here }).toReversed()],
    greetOverHttp(),
    12_000,
  ),
  grpc: await attribute(
    'gRPC',
    [
      grpcFloor,
      grpcLibrary,
      ...greetsOf('greet', there, { checkout: here, portVariable: 'GRPC_PORT' }).toReversed(),
    ],
    greetOverGrpc,
    20_000,
  ),
});
