import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The source of the declarations, by the entry of the package. */
const entries = { index: 'http-node', grpc: 'grpc' };

/** Writes the declarations of the package into `esm` and `cjs` of the folder. The text is the same in both. */
export async function buildTypes(folder: string): Promise<void> {
  const declarations = await mkdtemp(join(tmpdir(), 'greet-types-'));
  try {
    const options = ['--declaration', '--emitDeclarationOnly', '--noEmit', 'false', '--outDir', declarations];
    await promisify(execFile)('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', ...options], {
      cwd: root,
    });
    for (const kind of ['esm', 'cjs']) {
      await mkdir(join(folder, kind), { recursive: true });
      for (const [name, source] of Object.entries(entries)) {
        await writeFile(join(folder, kind, `${name}.d.ts`), `export * from './types/${source}.js';\n`);
        await copyWithImports(join(declarations, 'client', `${source}.d.ts`), join(folder, kind, 'types'));
      }
    }
  } finally {
    await rm(declarations, { recursive: true });
  }
}

/** Copies a declaration file and the files that it imports. */
async function copyWithImports(file: string, folder: string): Promise<void> {
  const text = await readFile(file, 'utf8');
  await mkdir(folder, { recursive: true });
  const name = file.slice(dirname(file).length + 1);
  await writeFile(join(folder, name), text.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"));
  for (const [, from = '', isOwn] of text.matchAll(/from '((\.\/)?[^']+)'/g)) {
    if (!isOwn) throw new Error(`${name}: the types of the package must not need ${from}`);
    await copyWithImports(join(dirname(file), from.replace(/\.(ts|js)$/, '.d.ts')), folder);
  }
}
