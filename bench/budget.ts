/**
 * Holds greet to what it may cost, as a multiple of the floor's CPU time: npm run bench:budget. About a minute.
 *
 * The floor runs against itself in the same minutes, and how far that is from 1 is allowed on top. A ratio above that is
 * measured again, twice at most: these are medians on a machine that others may use, too.
 */
import { readFileSync } from 'node:fs';
import { compare } from './compare.ts';
import { type Contender, greet, grpcFloor, httpFloor } from './contenders.ts';
import { type Load, loadGrpc, loadHttp } from './load.ts';
import { startSink } from './server.ts';

const attempts = 3;
const effort = { rounds: 1, turns: 4, turnSeconds: 1, warmUpSeconds: 2 };
const budget = JSON.parse(readFileSync(new URL('budget.json', import.meta.url), 'utf8')) as {
  readonly http: number;
  readonly grpc: number;
};
const sink = await startSink();

async function keeps(name: string, floor: Contender, contender: Contender, load: Load, limit: number) {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const [result, again] = await compare(floor, [contender], { load, effort });
    if (!result || !again) throw new Error('nothing was measured');
    const noise = Math.max(Math.abs(again.ratio - 1), (again.spread[1] - again.spread[0]) / 2);
    const isKept = result.ratio <= limit + noise;
    console.log(
      `${name}: ${result.ratio.toFixed(2)} times ${floor.name} (budget ${limit}, noise ${noise.toFixed(2)}): ${isKept ? 'kept' : 'exceeded'}`,
    );
    if (isKept) return true;
  }
  return false;
}

const traced = { sampling: 0.01, collector: sink.url };
const kept = [
  await keeps('HTTP', httpFloor, greet('greet', traced), loadHttp(32), budget.http),
  await keeps(
    'gRPC',
    grpcFloor,
    greet('greet', { ...traced, portVariable: 'GRPC_PORT' }),
    loadGrpc(64),
    budget.grpc,
  ),
];
sink.close();
if (kept.includes(false)) process.exitCode = 1;
