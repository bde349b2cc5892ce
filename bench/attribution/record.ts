import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contenders.ts';
import { emulate } from '../emulation/counted-server.ts';
import type { Greetings } from '../emulation/h2load.ts';
import { buildLibrary, scratch } from '../emulation/library.ts';
import { warmUp } from '../emulation/measure.ts';
import { startServer } from '../server.ts';
import { type CodeSymbol, readSymbols } from './symbols.ts';

/** One function called from one chain of callers. */
export interface CallNode {
  readonly symbol: CodeSymbol;
  /** Instructions of the function itself. */
  readonly instructions: number;
  readonly callees: CallNode[];
}

/** Make V8 name every function that it generates code for, and leave code at the address that goes with its name. */
const flags = ['--perf-basic-prof', '--interpreted-frames-native-stack', '--no-short-builtin-calls'];

/** Records the call trees of this many greetings after a warm-up: one tree for each thread. */
export async function record(
  contender: Contender,
  send: Greetings,
  { warmUpGreetings, greetings }: { readonly warmUpGreetings: number; readonly greetings: number },
): Promise<CallNode[]> {
  const [control, out] = [join(scratch, 'control'), join(scratch, 'calls')];
  const [node, ...args] = contender.command;
  const plugin = `${buildLibrary(new URL('call-tree.c', import.meta.url))},control=${control}`;
  const server = await startServer(
    emulate({ ...contender, command: [node, ...flags, ...args] }, plugin, out),
  );
  const perfMap = `/tmp/perf-${server.pid}.map`;
  const tell = (order: 'r' | 'w') => writeFileSync(control, order, { flag: 'r+' });
  try {
    await warmUp(server, send, warmUpGreetings);
    tell('r');
    await send(server.port, greetings);
    tell('w');
    // The plugin writes the tree only while the program runs, so greetings are sent until it has.
    while (readFileSync(control, 'latin1') !== 'd') await send(server.port, 32);
    return readTree(out, readSymbols(node, perfMap));
  } finally {
    await server.stop();
    rmSync(perfMap, { force: true });
  }
}

export function readTree(file: string, symbolOf: (address: number) => CodeSymbol): CallNode[] {
  const nodes = new Map<string, CallNode>();
  const callers: [string, CallNode][] = [];
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const [number = '', caller = '', address = '', instructions = ''] = line.split(' ');
    const symbol = symbolOf(Number.parseInt(address, 16));
    const node: CallNode = { symbol, instructions: Number(instructions), callees: [] };
    nodes.set(number, node);
    callers.push([caller, node]);
  }
  for (const [caller, node] of callers) nodes.get(caller)?.callees.push(node);
  return callers.filter(([caller]) => caller === '0').map(([, node]) => node);
}
