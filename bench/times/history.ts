import { readFileSync, writeFileSync } from 'node:fs';
import { markdownTable } from '../markdown-table.ts';
import type { Result } from './compare.ts';

/** The ratios of one run, by the contender's name. */
interface Run {
  readonly at: string;
  readonly machine: string;
  readonly http: Readonly<Record<string, number>>;
  readonly grpc: Readonly<Record<string, number>>;
}

const file = new URL('../history.json', import.meta.url);

/** Adds a run to the earlier ones and returns them all. */
export function addToHistory(
  machine: string,
  http: readonly Result[],
  grpc: readonly Result[],
): readonly Run[] {
  const ratios = (results: readonly Result[]) =>
    Object.fromEntries(results.map(({ name, ratio }) => [name, Number(ratio.toFixed(3))]));
  const run: Run = { at: new Date().toISOString(), machine, http: ratios(http), grpc: ratios(grpc) };
  const runs = [...(JSON.parse(readFileSync(file, 'utf8')) as Run[]), run];
  writeFileSync(file, `${JSON.stringify(runs, null, 2)}\n`);
  return runs;
}

/** The lowest and highest ratio of each contender in all runs. */
export function rangeTable(transport: 'http' | 'grpc', title: string, runs: readonly Run[]): string {
  const names = Object.keys(runs.at(-1)?.[transport] ?? {});
  return markdownTable(
    [title, 'runs', 'least', 'most'],
    names.map((name) => {
      const ratios = runs.flatMap((run) => run[transport][name] ?? []);
      return [name, String(ratios.length), Math.min(...ratios).toFixed(2), Math.max(...ratios).toFixed(2)];
    }),
  );
}
