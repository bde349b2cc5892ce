import { execFileSync } from 'node:child_process';
import { basename, resolve } from 'node:path';
import { type Contender, type GreetOptions, greet } from '../contenders.ts';

export interface Node {
  readonly path: string;
  readonly version: string;
  /** The key of its figures in the result files. */
  readonly major: string;
}

/** The Node that runs this. */
export const thisNode = describe(process.execPath);

/** The Node that runs this, and the one that NODE_26 names. */
export function nodes(): readonly Node[] {
  const { NODE_26: node26 } = process.env;
  if (!node26) process.stderr.write('Set NODE_26 to the path of another Node to have it counted on, too.\n');
  return [thisNode, ...(node26 ? [describe(node26)] : [])];
}

function describe(path: string): Node {
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
  return { path, version, major: /\d+/.exec(version)?.[0] ?? version };
}

/** greet with these options, from this checkout and from the other one. */
export function greetsOf(
  name: string,
  against: string | undefined,
  options: GreetOptions = {},
): readonly Contender[] {
  const other =
    against === undefined
      ? []
      : [greet(`${name} (${basename(resolve(against))})`, { ...options, checkout: against })];
  return [greet(name, options), ...other];
}
