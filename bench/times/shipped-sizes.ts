import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The size of the container's content besides Node, in MB: the code and its packages, without maps and types. */
export function shippedSizes(): Map<string, number> {
  const packages = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .slice(1)
    .filter(Boolean);
  const megabytes = (bytes: number) => bytes / 1e6;
  return new Map([
    ['the bundle', megabytes(statSync(join(root, 'dist/bundle.cjs')).size)],
    ['dist', megabytes(sizeOf(join(root, 'dist')))],
    ['node_modules', megabytes(packages.reduce((sum, folder) => sum + sizeOf(folder, isKept), 0))],
  ]);
}

/** True for the files of a package that the image keeps. */
const isKept = (file: string) => !/\.map$|\.[cm]?ts$/.test(file);

/** The list contains nested packages as entries of their own. */
function sizeOf(folder: string, counts: (file: string) => boolean = () => true): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + sizeOf(path, counts);
    return counts(entry.name) ? sum + statSync(path).size : sum;
  }, 0);
}
