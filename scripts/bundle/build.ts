/**
 * Bundles the program and the packages that it always needs into one file: loading one takes half the time of loading hundreds. Other
 * packages stay in node_modules and are loaded when they are needed. Then it rehearses the program, so that V8 need not compile it at each
 * start.
 */
import { spawnSync } from 'node:child_process';
import { chmod, readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Packages that read their own files still find them where they are installed. */
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
  // V8 can cache the compiled code of a script. For a module that needs a flag.
  format: 'cjs',
  // Code from the cache cannot import, only require.
  supported: { 'dynamic-import': false },
  external: [
    '@fastify/ajv-compiler',
    '@fastify/fast-json-stringify-compiler',
    // grpc-js needs it only for debugging services that are not offered here.
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
  // Replaces what only a module has. The names in the banner are used by no package.
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
  // White space is a quarter of the text, and Node keeps the text in memory. Names stay, for stack traces.
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

// npm makes the command executable when it links it. A later build would undo that.
await chmod(here('dist/client/command.js'), 0o755);

const { status, stderr } = spawnSync(process.execPath, [here('scripts/bundle/rehearse.mjs')], {
  stdio: ['ignore', 'ignore', 'pipe'],
});
// The program starts without the cache, too, only more slowly.
if (status !== 0) process.stderr.write(`The program could not be rehearsed:\n${stderr}`);
