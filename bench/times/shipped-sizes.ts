import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** What the container has on top of Node, in MB: the code, and the packages that it needs (without maps and types, as there). */
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

/** What the image keeps of the packages. */
const isKept = (file: string) => !/\.map$|\.[cm]?ts$/.test(file);

/** Packages within a package are in the list themselves. */
function sizeOf(folder: string, counts: (file: string) => boolean = () => true): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + sizeOf(path, counts);
    return counts(entry.name) ? sum + statSync(path).size : sum;
  }, 0);
}
