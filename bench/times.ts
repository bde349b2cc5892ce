/**
 * Measures the CPU time of a greeting in greet and its peers: npm run bench, about twelve minutes a round. BENCH_ROUNDS sets the number of
 * rounds, 2 by default.
 *
 * Prints tables, writes the figures to bench/results.json and draws them into bench/results.svg. CPU time varies from hour to hour: the
 * ratios are added to bench/history.json, and a table shows the range over all runs. Set NODE_26 to the path of another Node to run greet
 * on that, too.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import {
  barePeers,
  buildGo,
  type Contender,
  greet,
  grpcFloor,
  grpcLibrary,
  httpCalibration,
  httpFloor,
  onNode,
  traced,
  usualPeers,
} from './contenders.ts';
import { markdownTable } from './markdown-table.ts';
import { startSink } from './server.ts';
import { compare, type Effort } from './times/compare.ts';
import { comparisonTable } from './times/comparison-table.ts';
import { addToHistory, rangeTable } from './times/history.ts';
import { loadGrpc, loadHttp, loadHttpByWrk } from './times/load.ts';
import { draw } from './times/plot.ts';
import { shippedSizes } from './times/shipped-sizes.ts';

const rounds = Number(process.env.BENCH_ROUNDS || 2);
/** It warms up until after the first export of spans, which comes after five seconds: V8 compiles some functions anew then. */
const effort: Effort = { rounds, turns: 3, turnSeconds: 1, warmUpSeconds: 8 };
/** Long enough for a full garbage collection: until the first one, a call on a new connection costs up to 20 % less. */
const longEffort: Effort = { ...effort, turns: 2, turnSeconds: 6 };
const node26 = process.env.NODE_26 || undefined;
const sink = await startSink();

const machine = `Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores, ${new Date().toISOString().slice(0, 10)}`;
console.log(machine);
const sizes = shippedSizes();
console.log(
  markdownTable(
    ['what ships', 'MB'],
    [...sizes].map(([name, megabytes]) => [name, megabytes.toFixed(1)]),
  ),
);

const reference = 'greet, 1 % traced';
const variants = (portVariable: Contender['portVariable'], ...samplings: number[]): readonly Contender[] => [
  greet('greet', { portVariable }),
  ...samplings.map((sampling) =>
    greet(`greet, ${sampling * 100} % traced`, { portVariable, env: traced(sampling, sink.url) }),
  ),
];
const go = buildGo();
const contenders = [
  ...variants('PORT', 0, 0.01, 1),
  ...(node26 ? [onNode(node26, greet(`${reference}, on Node 26`, { env: traced(0.01, sink.url) }))] : []),
  ...usualPeers,
  ...barePeers,
  ...(go ? [go] : []),
  httpCalibration,
];
const http = await compare(httpFloor, contenders, { load: loadHttp(32), effort, latencySeconds: 3 });
console.log(comparisonTable('HTTP', http, reference));
const byWrk = await compare(
  httpFloor,
  contenders.filter((contender) => contender.name === reference || contender === httpCalibration),
  { load: loadHttpByWrk(32), effort },
);
console.log(comparisonTable('HTTP, by wrk, which sleeps', byWrk, reference));

const grpc = await compare(grpcFloor, [grpcLibrary, ...variants('GRPC_PORT', 0.01, 1)], {
  load: loadGrpc(64),
  effort: longEffort,
});
console.log(comparisonTable('gRPC', grpc, reference));

const runs = addToHistory(machine, http, grpc);
console.log(rangeTable('http', 'HTTP, CPU to the floor, all recorded runs', runs));
console.log(rangeTable('grpc', 'gRPC, CPU to the floor, all recorded runs', runs));

if (!node26) console.log('\nLeft out: Node 26: give its path as NODE_26.');
if (!go) console.log('\nLeft out: Go net/http: there is no Go that builds it.');

const results = { machine, http, byWrk, grpc, sizes: Object.fromEntries(sizes) };
const beside = (name: string) => new URL(name, import.meta.url);
writeFileSync(beside('results.json'), `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(beside('results.svg'), draw(http, grpc, machine));
sink.close();
