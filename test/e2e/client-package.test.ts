import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packClient } from '../../scripts/client-package/pack.ts';
import { run } from '../support/command.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { launchChromium, missingChromium } from './chromium.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
const peers = ['@grpc/grpc-js', 'protobufjs'].map((name) => `${name}@${manifest.dependencies[name]}`);
const lackingChromium = missingChromium();

/** The environment without the variables that npm passes on to its scripts. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

let folder: string;
let tarball: string;
let service: TestService;
/** Empty projects with the package: one without any other package, and one with those for gRPC. */
let alone: string;
let withPeers: string;

async function createProject(name: string, ...packages: string[]): Promise<string> {
  const project = join(folder, name);
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{ "private": true }');
  const flags = [
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    '--userconfig',
    '/dev/null',
  ];
  const { code, stderr } = await run('npm', ['install', ...flags, tarball, ...packages], {
    cwd: project,
    env,
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return project;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'greet-'));
  tarball = await packClient(folder);
  service = await startTestService();
  alone = await createProject('alone');
  withPeers = await createProject('with-peers', ...peers);
}, 300_000);
afterAll(async () => {
  await service?.drain();
  await rm(folder, { recursive: true });
});

/** Writes this text to a file of the project and runs it. */
async function runFile(project: string, name: string, text: string) {
  await writeFile(join(project, name), text);
  return run(process.execPath, [name], {
    cwd: project,
    env: { ...env, URL: service.urls.http, ADDRESS: service.urls.grpc },
  });
}

const useHttp = `
  const client = createHttpClient({ url: new URL(process.env.URL) });
  const error = await client.greet('').catch((reason) => reason);
  console.log(JSON.stringify([
    (await client.greet('Zoë')).message, (await client.readiness()).status, error instanceof GreetError, error.kind, error.violations.length,
  ]));`;
const usedHttp = '["Hello, Zoë","ready",true,"invalid",1]\n';

const useGrpc = `
  const client = createGrpcClient({ address: process.env.ADDRESS });
  const error = await client.greet('').catch((reason) => reason);
  console.log(JSON.stringify([
    (await client.greet('Zoë')).message, await client.health(), error instanceof GreetError, error.kind, error.violations.length,
  ]));
  client.close();`;
const usedGrpc = '["Hello, Zoë","SERVING",true,"invalid",1]\n';

describe('the tarball', () => {
  it('has at most 60 kB', async () => {
    expect((await stat(tarball)).size).toBeLessThanOrEqual(60_000);
  });

  it('needs no other package for HTTP, and has those for gRPC as optional peers', async () => {
    const packed = JSON.parse(await readFile(join(alone, 'node_modules/@greet/client/package.json'), 'utf8'));
    expect(packed).toMatchObject({
      name: '@greet/client',
      version: manifest.version,
      license: manifest.license,
    });
    expect(packed).not.toHaveProperty('dependencies');
    expect(Object.keys(packed.peerDependencies)).toEqual(Object.keys(packed.peerDependenciesMeta));
    expect(Object.values(packed.peerDependenciesMeta)).toEqual([{ optional: true }, { optional: true }]);
    const installed = (await readdir(join(alone, 'node_modules'))).filter((name) => !name.startsWith('.'));
    expect(installed).toEqual(['@greet']);
  });

  it.each([
    ['openapi.json', 'openapi/openapi.json'],
    ['openapi.yaml', 'openapi/openapi.yaml'],
    ['greet.proto', 'proto/greet.proto'],
  ])('has %s', async (name, source) => {
    const { stdout } = await runFile(
      alone,
      'resolve.cjs',
      `console.log(require.resolve('@greet/client/${name}'))`,
    );
    expect(await readFile(stdout.trim(), 'utf8')).toBe(await readFile(join(root, source), 'utf8'));
  });

  it('has a licence, and a README whose examples run', async () => {
    const own = (name: string) => readFile(join(withPeers, 'node_modules/@greet/client', name), 'utf8');
    expect(await own('LICENSE')).toBe(await readFile(join(root, 'LICENSE'), 'utf8'));
    const blocks = [...(await own('README.md')).matchAll(/```js\n(.*?)```/gs)].map(([, block = '']) => block);
    expect(blocks).toHaveLength(2);
    const here = (text: string) =>
      text.replace('http://localhost:8080', service.urls.http).replace('localhost:50051', service.urls.grpc);
    for (const [index, block] of blocks.entries()) {
      const { code, stdout, stderr } = await runFile(withPeers, `readme-${index}.mjs`, here(block));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const shown = [...block.matchAll(/^ *console\.log\(.*\/\/ (.*)$/gm)].map(([, line]) => `${line}\n`);
      expect(stdout).toBe(shown.join(''));
    }
  });
});

describe('a program in Node', () => {
  it.each([
    ['a module', 'http.mjs', `import { createHttpClient, GreetError } from '@greet/client';${useHttp}`],
    [
      'a script',
      'http.cjs',
      `const { createHttpClient, GreetError } = require('@greet/client');(async () => {${useHttp}})();`,
    ],
  ])('greets over HTTP without another package, as %s', async (_kind, name, text) => {
    expect(await runFile(alone, name, text)).toEqual({ code: 0, stdout: usedHttp, stderr: '' });
  });

  it.each([
    ['a module', 'grpc.mjs', `import { createGrpcClient, GreetError } from '@greet/client/grpc';${useGrpc}`],
    [
      'a script',
      'grpc.cjs',
      `const { createGrpcClient, GreetError } = require('@greet/client/grpc');(async () => {${useGrpc}})();`,
    ],
  ])('greets over gRPC, as %s', async (_kind, name, text) => {
    expect(await runFile(withPeers, name, text)).toEqual({ code: 0, stdout: usedGrpc, stderr: '' });
  });

  it('has one GreetError class, however it is loaded', async () => {
    const text = `
      import { createRequire } from 'node:module';
      import { GreetError } from '@greet/client';
      import * as grpc from '@greet/client/grpc';
      const require = createRequire(import.meta.url);
      console.log(GreetError === grpc.GreetError, GreetError === require('@greet/client').GreetError, GreetError === require('@greet/client/grpc').GreetError);`;
    expect((await runFile(withPeers, 'one.mjs', text)).stdout).toBe('true true true\n');
  });

  it('gets an error that names the packages for gRPC', async () => {
    const { code, stderr } = await runFile(alone, 'missing.mjs', "import '@greet/client/grpc';");
    expect(code).toBe(1);
    expect(stderr).toMatch(/Cannot find (module|package) '(@grpc\/grpc-js|protobufjs)'/);
  });

  it('checks its options, and never shows a password', async () => {
    const text = `
      import { createHttpClient } from '@greet/client';
      try { createHttpClient({ url: 'http://me:secret@localhost' }); } catch (error) { console.log(error.name, error.message); }`;
    const { stdout } = await runFile(alone, 'options.mjs', text);
    expect(stdout).toMatch(/^TypeError url: expected an HTTP URL .*without credentials/);
    expect(stdout).not.toContain('secret');
  });
});

describe('a program in TypeScript', () => {
  /** Uses every type. The marked lines are wrong, and the compiler must say so. */
  const http = `
    import { createHttpClient, GreetError, type GreetErrorKind, type Greeting, type HttpClient, type Readiness, type Violation } from '@greet/client';
    const client: HttpClient = createHttpClient({ url: new URL('http://localhost'), timeoutMs: 1, attempts: 1, inject: (carrier) => { carrier.a = 'b'; }, fetch });
    export async function use(): Promise<string> {
      const { message }: Greeting = await client.greet('Alice', { signal: new AbortController().signal, requestId: 'a' });
      const { status }: Readiness = await client.readiness();
      const error = new GreetError('failed', message);
      const kind: GreetErrorKind = error.kind;
      const violations: readonly Violation[] = error.violations;
      // @ts-expect-error: a name is a string.
      await client.greet(42);
      // @ts-expect-error: a URL is needed.
      createHttpClient({});
      // @ts-expect-error: the kind does not exist.
      if (kind === 'nope') throw error;
      // @ts-expect-error: the state does not exist.
      if (status === 'nope') throw error;
      return violations.map(({ field, detail }) => field + detail).join();
    }`;
  const grpc = `
    import { createGrpcClient, GreetError, type GrpcClient, type TlsOptions } from '@greet/client/grpc';
    const tls: TlsOptions = { ca: 'PEM', cert: new Uint8Array(), key: 'PEM', rejectUnauthorized: true };
    const client: GrpcClient = createGrpcClient({ address: 'localhost:1', tls, timeoutMs: 1 });
    export async function use(): Promise<'SERVING' | 'NOT_SERVING'> {
      // @ts-expect-error: a name is a string.
      await client.greet(42).catch((error: unknown) => error instanceof GreetError && error.kind);
      // @ts-expect-error: an address is needed.
      createGrpcClient({ url: 'http://localhost' });
      client.close();
      return client.health();
    }`;

  const modes = [
    { name: 'node16', module: 'node16', moduleResolution: 'node16' },
    { name: 'nodenext', module: 'nodenext', moduleResolution: 'nodenext' },
    { name: 'bundler', module: 'esnext', moduleResolution: 'bundler' },
    {
      name: 'bundler, for browsers',
      module: 'esnext',
      moduleResolution: 'bundler',
      customConditions: ['browser'],
    },
  ];

  const typesOf = [
    ["a browser's", { lib: ['ES2022', 'DOM'], types: [] }],
    ["Node's", { lib: ['ES2022'], types: ['node'] }],
  ] as const;

  for (const { name, ...mode } of modes)
    it.each(typesOf)(`compiles with ${name} and %s types`, async (title, platform) => {
      const project = join(withPeers, `${name}-${title}`.replace(/\W+/g, '-'));
      await mkdir(project);
      const isForNode = name.startsWith('node');
      const hasGrpc = !('customConditions' in mode);
      for (const extension of isForNode ? ['mts', 'cts'] : ['ts']) {
        await writeFile(join(project, `http.${extension}`), http);
        if (hasGrpc) await writeFile(join(project, `grpc.${extension}`), grpc);
      }
      const typeRoots = [join(root, 'node_modules/@types')];
      const compilerOptions = {
        ...mode,
        ...platform,
        typeRoots,
        target: 'es2022',
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        skipLibCheck: false,
      };
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['.'] }));
      const tsc = join(root, 'node_modules/.bin/tsc');
      expect(await run(tsc, ['-p', project], { cwd: project, env })).toEqual({
        code: 0,
        stdout: '',
        stderr: '',
      });
    });
});

describe('a page', () => {
  const entry = `import { createHttpClient, GreetError } from '@greet/client';
    Object.assign(globalThis, { createHttpClient, GreetError });`;
  const bundle = (contents: string) =>
    build({
      stdin: { contents, resolveDir: alone },
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      write: false,
      logLevel: 'silent',
    });

  it('gets a bundle of less than 3 kB', async () => {
    const { outputFiles } = await bundle(entry);
    expect(outputFiles[0]?.contents.length).toBeLessThan(3_000);
  });

  it('cannot be bundled with the gRPC client, which browsers cannot use', async () => {
    await expect(bundle("import '@greet/client/grpc'")).rejects.toThrow(/@greet\/client\/grpc/);
  });

  it.skipIf(lackingChromium)(
    `greets in a real browser${lackingChromium ? `: ${lackingChromium}` : ''}`,
    async () => {
      const { outputFiles } = await bundle(entry);
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        await page.goto(`${service.urls.http}/livez`);
        await page.addScriptTag({ type: 'module', content: outputFiles[0]?.text ?? '' });
        // This is text, because it uses names that only the page has.
        const result = await page.evaluate(`(async () => {
        while (!globalThis.createHttpClient) await new Promise((resolve) => setTimeout(resolve, 10));
        const client = createHttpClient({ url: location.origin });
        const error = await client.greet('').catch((reason) => reason);
        const nowhere = await createHttpClient({ url: 'http://localhost:1', attempts: 1 }).greet('A').catch((reason) => reason);
        return [(await client.greet('Zoë')).message, error instanceof GreetError, error.kind, nowhere.kind];
      })()`);
        expect(result).toEqual(['Hello, Zoë', true, 'invalid', 'unavailable']);
      } finally {
        await browser.close();
      }
    },
  );
});
