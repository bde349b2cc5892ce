/**
 * Fails if a greeting takes more instructions than its budget: npm run bench:budget
 *
 *   --against DIR   also counts the greet that is built in another checkout
 *   --update        saves the counts as the budget for this major version of Node, in bench/budget.json
 *
 * The budget is for the ratio to a bare server in the same run: it changes less than the instructions do between versions of Node, QEMU and
 * libc.
 */
import { parseArgs } from 'node:util';
import { type Contender, type GreetOptions, grpcFloor, httpFloor } from './contenders.ts';
import { type Greetings, greetOverGrpc, greetOverHttp } from './emulation/h2load.ts';
import { measure, usualEffort } from './emulation/measure.ts';
import { greetsOf, thisNode } from './emulation/subjects.ts';
import { requireTools } from './emulation/tools.ts';
import { markdownTable } from './markdown-table.ts';
import { mergeResult, readResults } from './result-file.ts';

/** Instructions of one greeting. */
interface Figure {
  readonly bare: number;
  readonly greet: number;
}

interface Budget {
  readonly node: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

/** How far a ratio may be above its budget. Runs of one program differ by up to 3 %: save the higher one of several. */
const tolerance = 0.03;

requireTools();
const { values: options } = parseArgs({
  options: { against: { type: 'string' }, update: { type: 'boolean', default: false } },
});

interface Subject {
  readonly name: string;
  readonly floor: Contender;
  readonly send: Greetings;
  readonly greetOptions?: GreetOptions;
}

const http = { floor: httpFloor, send: greetOverHttp() };
const grpc = { floor: grpcFloor, send: greetOverGrpc };
const subjects: readonly Subject[] = [
  { name: 'HTTP', ...http },
  { name: 'HTTP, with rate limit', ...http, greetOptions: { env: { RATE_LIMIT_MAX: '1000000000' } } },
  { name: 'gRPC', ...grpc, greetOptions: { portVariable: 'GRPC_PORT' } },
];

const budget = budgetFor(thisNode.major);
const bareCosts = new Map<Contender, number>();
const figures: Record<string, Figure> = {};
const rows: string[][] = [];
let isExceeded = false;

for (const { name, floor, send, greetOptions } of subjects) {
  const count = async (contender: Contender) => (await measure(contender, send, usualEffort)).instructions;
  const bare = bareCosts.get(floor) ?? (await count(floor));
  bareCosts.set(floor, bare);
  const allowed = budget?.figures[name];
  const excessOf = (greet: number) => (allowed ? ratio({ bare, greet }) / ratio(allowed) - 1 : 0);

  for (const contender of greetsOf('greet', options.against, greetOptions)) {
    const isOurs = figures[name] === undefined;
    let greet = await count(contender);
    // Counts again: a change of the program shows in both counts, a garbage collection during the samples only in one.
    if (isOurs && excessOf(greet) > tolerance) greet = Math.min(greet, await count(contender));
    if (isOurs) figures[name] = { bare, greet };
    if (isOurs && excessOf(greet) > tolerance) isExceeded = true;
    rows.push([
      `${name}, ${contender.name}`,
      ratio({ bare, greet }).toFixed(3),
      allowed ? ratio(allowed).toFixed(3) : 'none',
      percent(excessOf(greet)),
      change(allowed?.greet, greet),
      change(allowed?.bare, bare),
    ]);
  }
}

console.log(markdownTable(['', 'to bare', 'budget', 'change', 'greet, thousand', 'bare, thousand'], rows));
if (options.update) {
  mergeResult<Budget>('budget', thisNode.major, { node: thisNode.version, figures });
} else if (isExceeded) {
  console.log(
    `\nExceeded: a ratio is more than ${percent(tolerance)} above its budget. Make the greeting cheaper, or, if it is worth its price, \`npm run bench:budget -- --update\` and say why in the commit.`,
  );
  process.exitCode = 1;
}

function ratio({ bare, greet }: Figure): number {
  return greet / bare;
}

function percent(part: number): string {
  return `${part > 0 ? '+' : ''}${(part * 100).toFixed(1)} %`;
}

function change(before: number | undefined, now: number): string {
  const text = (now / 1_000).toFixed(1);
  return before === undefined
    ? text
    : `${(before / 1_000).toFixed(1)} -> ${text} (${percent(now / before - 1)})`;
}

/** The budget of this major version of Node, or of the closest one that has a budget. */
function budgetFor(major: string): Budget | undefined {
  const budgets = readResults<Budget>('budget');
  const closest = Object.keys(budgets).toSorted(
    (one, other) => Math.abs(Number(one) - Number(major)) - Math.abs(Number(other) - Number(major)),
  )[0];
  if (closest === undefined) return undefined;
  if (closest !== major)
    console.log(`Node ${major} has no budget of its own: that of Node ${closest} is taken.`);
  return budgets[closest];
}
