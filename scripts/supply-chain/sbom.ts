import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { Lockfile } from './lockfile.ts';

const root = new URL('../../', import.meta.url);

/**
 * Makes the bill of materials of the shipped packages, as CycloneDX. npm makes it from a copy of the manifest without development
 * dependencies. With `--omit dev`, npm (to 12.2 at least) would also leave out shipped packages that a development tool needs, too.
 */
export async function createSbom(): Promise<string> {
  const read = async (name: string) => JSON.parse(await readFile(new URL(name, root), 'utf8'));
  const { devDependencies, ...manifest } = await read('package.json');
  const lockfile: Lockfile = await read('package-lock.json');
  const shipped = Object.entries(lockfile.packages).filter(([, { dev }]) => !dev);
  const packages = { ...Object.fromEntries(shipped), '': manifest };
  const temporary = await mkdtemp(join(tmpdir(), 'greet-sbom-'));
  // npm names the project after its folder.
  const folder = join(temporary, manifest.name);
  try {
    await mkdir(folder);
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ ...lockfile, packages }));
    const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'];
    const { stdout } = await promisify(execFile)('npm', args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } finally {
    await rm(temporary, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(await createSbom());
