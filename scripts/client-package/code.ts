import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin, transform } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const target = { platform: 'node', target: 'node20.19', format: 'esm', bundle: true } as const;
const peers = ['@grpc/grpc-js', 'protobufjs'];

/** Replaces the service's list of shipped files by the package's own. */
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
  // Each is bundled on its own, so that browsers and bundlers get no code for Node.
  await write({
    ...target,
    entryPoints: { browser: client('http') },
    platform: 'browser',
    outdir: join(folder, 'esm'),
  });
  await write({ ...target, entryPoints: { index: client('http-node') }, outdir: join(folder, 'esm') });
  // Bundled together, with a file for the shared code, so that GreetError is one class.
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

/** Converts the modules in the folder to CommonJS. esbuild can share code only between ES modules. */
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
