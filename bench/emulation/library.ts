import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the built libraries and of the counts. It is deleted when the process ends. */
export const scratch = mkdtempSync(join(tmpdir(), 'greet-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

const built = new Map<string, string>();

/** Compiles a C file to a shared library once, and returns its path. */
export function buildLibrary(source: URL): string {
  const known = built.get(source.href);
  if (known !== undefined) return known;
  const path = fileURLToPath(source);
  const library = join(scratch, `${basename(path, '.c')}.so`);
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-o', library, path], {
    stdio: 'inherit',
  });
  built.set(source.href, library);
  return library;
}
