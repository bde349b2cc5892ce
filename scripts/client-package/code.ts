import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin, transform } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const target = { platform: 'node', target: 'node20.19', format: 'esm', bundle: true } as const;
const peers = ['@grpc/grpc-js', 'protobufjs'];

/** The package's own list of the files that ship with the code, in the place of the service's. */
const ownFiles: Plugin = {
  name: 'own files',
  setup({ onResolve }) {
    onResolve({ filter: /\/(shipped-)?files\.ts$/ }, () => ({
      path: here('scripts/client-package/shipped-files.ts'),
    }));
  },
};

/** Writes the JavaScript of the package into `esm` and `cjs` of the folder. */
export async function buildCode(folder: string): Promise<void> {
  const client = (name: string) => here(`src/client/${name}.ts`);
  // Each on its own: browsers and bundlers get no code of Node's.
  await write({
    ...target,
    entryPoints: { browser: client('http') },
    platform: 'browser',
    outdir: join(folder, 'esm'),
  });
  await write({ ...target, entryPoints: { index: client('http-node') }, outdir: join(folder, 'esm') });
  // Together, with what they share in a file of its own: GreetError is one class.
  await write({
    ...target,
    entryPoints: { index: client('http-node'), grpc: client('grpc') },
    splitting: true,
    chunkNames: 'shared-[hash]',
    external: peers,
    plugins: [ownFiles],
    outdir: join(folder, 'cjs'),
  });
  await toCommonJs(join(folder, 'cjs'));
  for (const [file, from] of [
    ['index.node', 'index'],
    ['grpc', 'grpc'],
  ])
    await writeFile(join(folder, `esm/${file}.js`), `export * from '../cjs/${from}.js';\n`);
}

async function write(options: BuildOptions): Promise<void> {
  await build({ ...options, logLevel: 'warning', legalComments: 'none' });
}

/** Makes scripts of the modules in the folder. esbuild shares code between entries of modules only. */
async function toCommonJs(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.js')) continue;
    const path = join(folder, name);
    const { code } = await transform(await readFile(path, 'utf8'), {
      platform: 'node',
      target: 'node20.19',
      format: 'cjs',
      define: { 'import.meta.url': 'urlOfModule' },
      banner: "const urlOfModule = require('node:url').pathToFileURL(__filename).href;",
    });
    await writeFile(path, code);
  }
}
