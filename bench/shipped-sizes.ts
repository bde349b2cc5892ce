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
    ['node_modules', megabytes(packages.reduce((sum, folder) => sum + sizeOf(folder), 0))],
  ]);
}

/** Packages within a package are in the list themselves. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + sizeOf(path);
    const isShipped = !/\.map$|\.[cm]?ts$/.test(entry.name) || folder.includes('dist');
    return isShipped ? sum + statSync(path).size : sum;
  }, 0);
}
