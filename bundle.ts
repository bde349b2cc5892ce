/**
 * Makes one file of the program and of the packages that it always needs: loading one takes half the time of loading hundreds.
 * What it does not always need stays in node_modules, and is loaded from there when it is asked for.
 */
import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Packages that read files of their own go on finding them where they are installed. */
const ownFolders: Plugin = {
  name: 'own folders',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.c?js$/ }, async ({ path }) => {
      const contents = await readFile(path, 'utf8');
      if (!contents.includes('__dirname')) return undefined;
      const folder = `../${relative(here('.'), path).replace(/[^/]*$/, '')}`;
      return { contents: `const __dirname = locate(${JSON.stringify(folder)});${contents}` };
    });
  },
};

await build({
  entryPoints: [here('src/main.ts')],
  outfile: here('dist/main.js'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  external: [
    '@fastify/rate-limit',
    '@fastify/swagger',
    '@fastify/swagger-ui',
    '@opentelemetry/*',
    'pino-pretty',
  ],
  plugins: [ownFolders],
  // What the packages' own kind of module has and this one has not, under names that no package uses.
  banner: {
    js: [
      "import { createRequire as createRequireOfBundle } from 'node:module';",
      "import { fileURLToPath as pathOfUrl } from 'node:url';",
      'const require = createRequireOfBundle(import.meta.url);',
      'const locate = (folder) => pathOfUrl(new URL(folder, import.meta.url)).slice(0, -1);',
    ].join('\n'),
  },
  // A quarter of the text is white space, and Node keeps the text; names stay, for stack traces.
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: 'none',
});
