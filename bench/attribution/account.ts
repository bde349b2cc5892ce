import type { CallNode } from './record.ts';
import type { CodeSymbol } from './symbols.ts';

/** Names the step that begins with a function; undefined if it belongs to the step of its caller, `current`. */
export type Classify = (symbol: CodeSymbol, current: string) => string | undefined;

/**
 * Sums up all instructions by step. A function belongs to the step that it begins, or else to its caller's step. So a step includes the
 * libraries that it calls, except for functions where another step begins.
 */
export function account(
  threads: readonly CallNode[],
  classify: Classify,
  { main, others }: { readonly main: string; readonly others: string },
): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (node: CallNode, current: string) => {
    const name = classify(node.symbol, current) ?? current;
    sums.set(name, (sums.get(name) ?? 0) + node.instructions);
    for (const callee of node.callees) add(callee, name);
  };
  const byTotal = threads.toSorted((one, other) => totalOf(other) - totalOf(one));
  for (const [index, thread] of byTotal.entries()) {
    if (index === 0) add(thread, main);
    else sums.set(others, (sums.get(others) ?? 0) + totalOf(thread));
  }
  return sums;
}

function totalOf({ instructions, callees }: CallNode): number {
  return callees.reduce((sum, callee) => sum + totalOf(callee), instructions);
}
