/**
 * Makes one file of the program and of the packages that it always needs: loading one takes half the time of loading hundreds.
 * What it does not always need stays in node_modules, and is loaded from there when it is asked for. Then has the program
 * rehearsed, so that it need not be compiled at each start.
 */
import { spawnSync } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Packages that read files of their own go on finding them where they are installed. */
const ownFolders: Plugin = {
  name: 'own folders',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.c?js$/ }, async ({ path }) => {
      const contents = await readFile(path, 'utf8');
      if (!contents.includes('__dirname')) return undefined;
      const folder = `../${relative(here(''), path).replace(/[^/]*$/, '')}`;
      return { contents: `const __dirname = locate(${JSON.stringify(folder)});${contents}` };
    });
  },
};

const target = { platform: 'node', target: 'node20.19' } as const;
await build({
  ...target,
  entryPoints: [here('src/main.ts')],
  outfile: here('dist/bundle.cjs'),
  bundle: true,
  // V8 keeps what it has compiled of a script, and of a module only behind a flag.
  format: 'cjs',
  // What has been kept cannot import, only require.
  supported: { 'dynamic-import': false },
  external: [
    '@fastify/ajv-compiler',
    '@fastify/fast-json-stringify-compiler',
    // Of grpc-js, which asks for it only for debugging services that are not offered here.
    '@grpc/proto-loader',
    '@opentelemetry/auto-configuration-propagators',
    '@opentelemetry/core',
    '@opentelemetry/exporter-trace-otlp-grpc',
    '@opentelemetry/exporter-trace-otlp-http',
    '@opentelemetry/exporter-trace-otlp-proto',
    '@opentelemetry/resources',
    '@opentelemetry/sdk-trace-node',
    'pino-pretty',
  ],
  plugins: [ownFolders],
  // What a module has and a script has not, as a function's parameters or under names that no package uses.
  define: { 'import.meta.url': 'urlOfBundle' },
  banner: {
    js: [
      '(function (require, __filename) {',
      "const { fileURLToPath: pathOfUrl, pathToFileURL: urlOfPath } = require('node:url');",
      'const urlOfBundle = urlOfPath(__filename).href;',
      'const locate = (folder) => pathOfUrl(new URL(folder, urlOfBundle)).slice(0, -1);',
    ].join('\n'),
  },
  footer: { js: '})' },
  // A quarter of the text is white space, and Node keeps the text; names stay, for stack traces.
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: 'none',
});
await build({
  ...target,
  entryPoints: [here('scripts/bundle/main.ts')],
  outfile: here('dist/main.js'),
  bundle: true,
  format: 'esm',
});

// npm makes the command executable when it links it, which a later build would undo.
await chmod(here('dist/client/command.js'), 0o755);

const { status, stderr } = spawnSync(process.execPath, [here('scripts/bundle/rehearse.mjs')], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
// It starts without, too, only later.
if (status !== 0) process.stderr.write(`The program could not be rehearsed:\n${stderr}`);
