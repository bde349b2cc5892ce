/**
 * Counts the instructions of a greeting in greet and its peers: npm run bench:instructions
 *
 *   --against DIR   also counts the greet that is built in another checkout, in the same run
 *   --only TEXT     counts only the baselines and the contenders with TEXT in their names, and writes no file
 *
 * Prints tables and writes bench/instructions.json. Set NODE_26 to the path of another Node to count everything on that, too.
 */
import { parseArgs } from 'node:util';
import {
  barePeers,
  type Contender,
  greet,
  grpcFloor,
  grpcLibrary,
  httpFloor,
  httpFloorWithHeaders,
  onNode,
  traced,
  usualPeers,
} from './contenders.ts';
import { checkHeaders } from './emulation/check-headers.ts';
import { type Greetings, greetOverGrpc, greetOverHttp } from './emulation/h2load.ts';
import { type Cost, type Effort, measure, usualEffort } from './emulation/measure.ts';
import { greetsOf, type Node, nodes } from './emulation/subjects.ts';
import { qemuVersion, requireTools } from './emulation/tools.ts';
import { markdownTable } from './markdown-table.ts';
import { mergeResult } from './result-file.ts';
import { startSink } from './server.ts';

type Row = Cost & { readonly name: string };

requireTools();
const { values: options } = parseArgs({
  options: { against: { type: 'string' }, only: { type: 'string' } },
});
const sink = await startSink();
await checkHeaders(greet('greet'), httpFloorWithHeaders);

const http = [
  httpFloor,
  httpFloorWithHeaders,
  ...greetsOf('greet', options.against),
  ...greetsOf('greet, without access log', options.against, { env: { LOG_LEVEL: 'warn' } }),
  ...greetsOf('greet, with rate limit', options.against, { env: { RATE_LIMIT_MAX: '1000000000' } }),
  ...greetsOf('greet, 1 % traced', options.against, { env: traced(0.01, sink.url) }),
  ...greetsOf('greet, 100 % traced', options.against, { env: traced(1, sink.url) }),
  ...barePeers,
  ...usualPeers,
  { ...httpFloor, name: `${httpFloor.name}, again` },
];
const grpc = [
  grpcFloor,
  grpcLibrary,
  ...greetsOf('greet', options.against, { portVariable: 'GRPC_PORT' }),
  ...greetsOf('greet, 1 % traced', options.against, {
    portVariable: 'GRPC_PORT',
    env: traced(0.01, sink.url),
  }),
  ...greetsOf('greet, 100 % traced', options.against, {
    portVariable: 'GRPC_PORT',
    env: traced(1, sink.url),
  }),
  { ...grpcFloor, name: `${grpcFloor.name}, again` },
];
const floors: readonly Contender[] = [httpFloor, httpFloorWithHeaders, grpcFloor];

/** Fewer greetings for peers that take about ten times as long: opening the connections is a smaller part of their cost. */
const slowEffort: Effort = { warmUp: 8_000, samples: 3, greetingsPerSample: 1_000 };
const slow = /Express|NestJS/;

async function count(contenders: readonly Contender[], { path }: Node, send: Greetings) {
  const rows: Row[] = [];
  for (const contender of contenders) {
    if (!floors.includes(contender) && !contender.name.includes(options.only ?? '')) continue;
    const cost = await measure(
      onNode(path, contender),
      send,
      slow.test(contender.name) ? slowEffort : usualEffort,
    );
    rows.push({ name: contender.name, ...cost });
    process.stderr.write(`${contender.name}: ${thousands(cost.instructions)}\n`);
  }
  return rows;
}

const thousands = (instructions: number) => (instructions / 1_000).toFixed(1);

/** A table of the instructions, with the ratios to some rows. The key of a reference is the heading of its column. */
function show(title: string, rows: readonly Row[], references: Readonly<Record<string, string>>): string {
  const units = Object.values(references).map((name) => rows.find((row) => row.name === name)?.instructions);
  return markdownTable(
    [title, 'instructions, thousand', 'least - most', ...Object.keys(references), 'system calls'],
    rows.map(({ name, instructions, spread, systemCalls }) => [
      name,
      thousands(instructions),
      spread.map(thousands).join(' - '),
      ...units.map((unit) => (unit === undefined ? '' : (instructions / unit).toFixed(2))),
      systemCalls.toFixed(2),
    ]),
  );
}

for (const node of nodes()) {
  const result = {
    node: node.version,
    qemu: qemuVersion(),
    date: new Date().toISOString().slice(0, 10),
    http: await count(http, node, greetOverHttp()),
    grpc: await count(grpc, node, greetOverGrpc),
  };
  const toGreet = { 'to greet': 'greet' };
  console.log(
    show(`HTTP, Node ${node.version}`, result.http, {
      'to bare': httpFloor.name,
      "to bare with greet's headers": httpFloorWithHeaders.name,
      ...toGreet,
    }),
  );
  console.log(
    show(`gRPC, Node ${node.version}`, result.grpc, {
      'to bare': grpcFloor.name,
      'to bare grpc-js': grpcLibrary.name,
      ...toGreet,
    }),
  );
  if (options.only === undefined) mergeResult('instructions', node.major, result);
}
sink.close();
