import { readFileSync, writeFileSync } from 'node:fs';

/** The committed results of one command, by the major version of Node that they were taken on. */
export function readResults<Result>(name: string): Record<string, Result> {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/** Writes the results of one Node, and keeps those of the others. */
export function mergeResult<Result>(name: string, nodeMajor: string, result: Result): void {
  const results = { ...readResults<Result>(name), [nodeMajor]: result };
  writeFileSync(fileOf(name), `${JSON.stringify(results, null, 2)}\n`);
}

const fileOf = (name: string) => new URL(`${name}.json`, import.meta.url);
