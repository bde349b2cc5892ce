/**
 * What a greeting costs, of greet and of its peers: npm run bench, about eight minutes a round, and two rounds unless
 * BENCH_ROUNDS says otherwise.
 *
 * Prints tables, writes its figures to bench/results.json and draws them into bench/results.svg. Give NODE_26 the path of another
 * Node to have greet run on that, too.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { coldStarts } from './cold-start.ts';
import { compare, type Effort } from './compare.ts';
import {
  greet,
  grpcContenders,
  grpcFloor,
  httpCalibration,
  httpContenders,
  httpFloor,
} from './contenders.ts';
import { loadGrpc, loadHttp, loadHttpByWrk } from './load.ts';
import { draw } from './plot.ts';
import { costByConnections, memoryByGreetings } from './scale.ts';
import { startSink } from './server.ts';
import { shippedSizes } from './shipped-sizes.ts';
import { comparisonTable, table } from './tables.ts';

const rounds = Number(process.env.BENCH_ROUNDS || 2);
const effort: Effort = { rounds, turns: 3, turnSeconds: 1, warmUpSeconds: 3 };
/** Connections as they are in use: until the first full garbage collection a call on a new one costs up to a fifth less. */
const longEffort: Effort = { ...effort, turns: 2, turnSeconds: 6 };
const node26 = process.env.NODE_26 || undefined;
const leftOut: string[] = [];
const sink = await startSink();
const fixed = (digits: number) => (value: number) => value.toFixed(digits);

const machine = `Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}`;
console.log(machine);

const reference = 'greet, 1 % traced';
const contenders = [...httpContenders(sink.url, node26, leftOut), httpCalibration];
const http = await compare(httpFloor, contenders, { load: loadHttp(32), effort, latencySeconds: 3 });
console.log(comparisonTable('HTTP', http, reference));
const byWrk = await compare(
  httpFloor,
  contenders.filter((contender) => contender.name === reference || contender === httpCalibration),
  { load: loadHttpByWrk(32), effort },
);
console.log(comparisonTable('HTTP, by wrk, which sleeps', byWrk, reference));

const grpc = await compare(grpcFloor, grpcContenders(sink.url), { load: loadGrpc(64), effort: longEffort });
console.log(comparisonTable('gRPC', grpc, reference));

const on26 = node26
  ? [
      {
        ...httpFloor,
        name: 'bare node:http, on Node 26',
        command: [node26, ...httpFloor.command.slice(1)] as const,
      },
    ]
  : [];
const starts = await coldStarts(
  [httpFloor, greet('greet'), ...on26, ...(node26 ? [greet('greet, on Node 26', { node: node26 })] : [])],
  11,
);
console.log(table(['from start to first greeting', 'ms'], starts, fixed(0)));

const connections = await costByConnections([httpFloor, greet('greet')], [10, 100, 1_000], 5);
console.log(table(['connections', 'CPU a greeting, us'], connections, fixed(1)));

const memory = await memoryByGreetings(greet('greet'), [1_000, 100_000, 1_000_000]);
console.log(table(['greetings', 'resident memory, MB'], memory, fixed(0)));

const sizes = shippedSizes();
console.log(table(['what ships', 'MB'], sizes, fixed(1)));
for (const reason of leftOut) console.log(`Left out: ${reason}.`);

const results = {
  machine,
  http,
  byWrk,
  grpc,
  starts: Object.fromEntries(starts),
  connections: Object.fromEntries(connections),
  memory: Object.fromEntries(memory),
  sizes: Object.fromEntries(sizes),
};
const beside = (name: string) => new URL(name, import.meta.url);
writeFileSync(beside('results.json'), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(beside('results.svg'), draw(http, grpc, machine));
sink.close();
