import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createManifest } from '../../scripts/client-package/manifest.ts';
import { run } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { scrape } from '../support/service.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');
const manifest = JSON.parse(await read('package.json'));
const { version } = manifest;

describe('the version in package.json', () => {
  let program: Program;
  let urls: Awaited<ReturnType<Program['listening']>>;
  beforeAll(async () => {
    program = await runProgram();
    urls = await program.listening();
  });
  afterAll(() => program.dispose());

  it('is a semantic version', () => expect(version).toMatch(/^\d+\.\d+\.\d+$/));

  it('is in GET /version, greet_build_info and the first log line', async () => {
    expect(await (await fetch(`${urls.admin}/version`)).json()).toMatchObject({ version });
    expect(await scrape({ urls })).toContain(`greet_build_info{version="${version}",`);
    expect(program.lines[0]).toMatchObject({ version });
  });

  it('is printed by --version of the command and of the program', async () => {
    const printed = async (file: string) =>
      (await run(process.execPath, [fileURLToPath(new URL(file, root)), '--version'])).stdout;
    expect(await printed('dist/client/command.js')).toBe(`greet ${version}\n`);
    expect(await printed('dist/main.js')).toContain(`greet ${version} `);
  });

  it.each(['/openapi.json', '/openapi.yaml'])('is in %s', async (path) => {
    const text = await (await fetch(urls.http + path)).text();
    expect(parse(text).info.version).toBe(version);
  });

  it('is that of the client package, of Compose and of the Kubernetes overlay', async () => {
    expect(createManifest(manifest).version).toBe(version);
    const { greet } = parse(await read('deploy/compose.yaml')).services;
    expect([greet.image, greet.build.args.VERSION]).toEqual([`greet:${version}`, version]);
    const { images } = parse(await read('deploy/kubernetes/overlays/production/kustomization.yaml'));
    expect(images).toEqual([expect.objectContaining({ name: 'greet', newTag: version })]);
  });

  it('labels the image, which gets it as a build argument', async () => {
    const dockerfile = await read('Dockerfile');
    expect(dockerfile).toContain(`org.opencontainers.image.version="\${VERSION}"`);
    // Every place that builds the image reads the version from package.json.
    const fromPackage = /VERSION=\$\(node -p 'require\("\.\/package\.json"\)\.version'\)/;
    expect(await read('README.md')).toMatch(fromPackage);
    expect(await read('.ci/image')).toMatch(
      /version=\$\(node -p 'require\("\.\/package\.json"\)\.version'\)/,
    );
    expect(await read('.ci/image')).toContain('"VERSION=$version"');
    const { jobs } = parse(await read('.github/workflows/release.yml'));
    const build = jobs.image.steps.find(({ id }: { id?: string }) => id === 'build');
    expect(build.with['build-args']).toMatch(/VERSION=\$\{\{ steps\.version\.outputs\.version \}\}/);
    const reading = jobs.image.steps.find(({ id }: { id?: string }) => id === 'version');
    expect(reading.run).toMatch(/require\("\.\/package\.json"\)\.version/);
  });

  it('is the newest release in CHANGELOG.md', async () => {
    const [, newest] = /^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$/m.exec(await read('CHANGELOG.md')) ?? [];
    expect(newest).toBe(version);
  });
});
