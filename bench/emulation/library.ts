import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where libraries are built and counts are kept; deleted when the process ends. */
export const scratch = mkdtempSync(join(tmpdir(), 'greet-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

const built = new Map<string, string>();

/** Compiles one of the C files beside this one, once, to a shared library; returns its path. */
export function buildLibrary(name: string): string {
  const known = built.get(name);
  if (known !== undefined) return known;
  const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
  const file = join(scratch, `${name}.so`);
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-o', file, source], { stdio: 'inherit' });
  built.set(name, file);
  return file;
}
