/**
 * Measures the cost of a greeting as connections and greetings grow in number, and the cost of a start: npm run bench:growth, about an hour.
 *
 *   --against DIR   also measures the greet that is built in another checkout, in the same run
 *
 * Prints tables and writes bench/growth.json.
 */
import { parseArgs } from 'node:util';
import { type Contender, grpcFloor, httpFloor } from './contenders.ts';
import { type Greetings, greetOverGrpc, greetOverHttp } from './emulation/h2load.ts';
import { greetsOf, thisNode } from './emulation/subjects.ts';
import { qemuVersion, requireTools } from './emulation/tools.ts';
import { coldStartInstructions, coldStartTimes } from './growth/cold-start.ts';
import { costByConnections, costByGreetings } from './growth/instructions.ts';
import { memoryByGreetings } from './growth/memory.ts';
import { type Open, openGrpc, openHttp } from './growth/open-connections.ts';
import { markdownTable } from './markdown-table.ts';
import { mergeResult, readResults } from './result-file.ts';
import { type Load, loadGrpc, loadHttp } from './times/load.ts';

requireTools();
const { values: options } = parseArgs({
  options: { against: { type: 'string' }, only: { type: 'string' } },
});

interface Transport {
  readonly title: string;
  readonly contenders: readonly Contender[];
  readonly send: Greetings;
  readonly open: Open;
  readonly load: Load;
  /** The numbers of greetings after which instructions are counted. A million emulated gRPC calls take twenty minutes. */
  readonly countedAfter: readonly number[];
}

const greetingMarks = [1_000, 10_000, 100_000, 1_000_000];

const http: Transport = {
  title: `HTTP, Node ${thisNode.version}`,
  contenders: [httpFloor, ...greetsOf('greet', options.against)],
  send: greetOverHttp(4),
  open: openHttp,
  load: loadHttp(32),
  countedAfter: greetingMarks,
};
const grpc: Transport = {
  title: `gRPC, Node ${thisNode.version}`,
  contenders: [grpcFloor, ...greetsOf('greet', options.against, { portVariable: 'GRPC_PORT' })],
  send: greetOverGrpc,
  open: openGrpc,
  load: loadGrpc(64),
  countedAfter: greetingMarks.slice(0, 3),
};

const connectionNumbers = [10, 100, 1_000];
const overConnections = { warmUp: 20_000, counted: 5_000 };
const thousands = (value: number) => (value / 1_000).toFixed(1);
const inWords = (value: number) => value.toLocaleString('en');

async function growthOf({ title, contenders, send, open, load, countedAfter }: Transport) {
  const result: Record<string, unknown> = {};
  const rows: Record<'connections' | 'greetings' | 'memory', string[][]> = {
    connections: [],
    greetings: [],
    memory: [],
  };
  for (const contender of contenders) {
    const { name } = contender;
    const memory = await memoryByGreetings(contender, load, greetingMarks);
    const connections = await costByConnections(contender, open, connectionNumbers, overConnections);
    const greetings = await costByGreetings(contender, send, countedAfter);
    result[name] = { connections, greetings, memory: Object.fromEntries(memory) };
    rows.connections.push([
      name,
      ...connections.map(({ greeting, connection }) => `${thousands(greeting)} (${thousands(connection)})`),
    ]);
    rows.greetings.push([name, ...greetings.map(({ greeting }) => thousands(greeting))]);
    rows.memory.push([name, ...[...memory.values()].map((megabytes) => megabytes.toFixed(0))]);
  }
  const after = (marks: readonly number[]) => marks.map((mark) => `after ${inWords(mark)}`);
  console.log(
    markdownTable(
      [
        `${title}: thousand instructions a greeting (and a connection)`,
        ...connectionNumbers.map((number) => `${inWords(number)} connections`),
      ],
      rows.connections,
    ),
  );
  console.log(
    markdownTable([`${title}: thousand instructions a greeting`, ...after(countedAfter)], rows.greetings),
  );
  console.log(
    markdownTable([`${title}: resident memory, MB, not emulated`, ...after(greetingMarks)], rows.memory),
  );
  return result;
}

async function startsOf(contenders: readonly Contender[]) {
  const times = await coldStartTimes(contenders, 11);
  const starts: { name: string; milliseconds: number; instructions: number }[] = [];
  for (const contender of contenders) {
    const { name } = contender;
    const instructions = await coldStartInstructions(contender);
    starts.push({ name, milliseconds: times.get(name) ?? Number.NaN, instructions });
  }
  console.log(
    markdownTable(
      [
        `From the start to the first greeting, Node ${thisNode.version}`,
        'instructions, million',
        'ms, not emulated',
      ],
      starts.map(({ name, milliseconds, instructions }) => [
        name,
        (instructions / 1e6).toFixed(0),
        milliseconds.toFixed(0),
      ]),
    ),
  );
  return starts;
}

const parts = {
  starts: () => startsOf(http.contenders),
  http: () => growthOf(http),
  grpc: () => growthOf(grpc),
};
for (const [part, run] of Object.entries(parts)) {
  if (part !== (options.only ?? part)) continue;
  const result = await run();
  mergeResult('growth', thisNode.major, {
    ...readResults<object>('growth')[thisNode.major],
    node: thisNode.version,
    qemu: qemuVersion(),
    date: new Date().toISOString().slice(0, 10),
    [part]: result,
  });
}
