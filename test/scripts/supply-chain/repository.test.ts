import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { checkProject } from '../../../scripts/supply-chain/check.ts';
import { type Lockfile, nameOf } from '../../../scripts/supply-chain/lockfile.ts';
import { installScripts, licencesReadByHand } from '../../../scripts/supply-chain/policy.ts';
import { run } from '../../support/command.ts';

const root = new URL('../../../', import.meta.url);
const read = async (path: string) => JSON.parse(await readFile(new URL(path, root), 'utf8'));
const locked: Lockfile = await read('package-lock.json');
const lockedForBench: Lockfile = await read('bench/package-lock.json');

/** Runs npm with the project's configuration alone: npm passes its own configuration on to the programs that it runs. */
const npm = (folder: string, ...args: string[]) => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  return run('npm', [...args, '--userconfig', '/dev/null'], { cwd: folder, env });
};

interface Sbom {
  readonly metadata: { readonly component: object };
  readonly components: readonly {
    readonly purl: string;
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  }[];
}

describe('the packages of this repository', () => {
  it.each([
    ['./', locked],
    ['bench/', lockedForBench],
  ])('keep to the policy: %s', async (project, lockfile) => {
    const { faults, packages } = await checkProject(new URL(project, root));
    expect(faults).toEqual([]);
    expect(packages).toBe(Object.keys(lockfile.packages).length - 1);
  });

  it('need every exception in the policy', () => {
    const entries = [locked, lockedForBench].flatMap(({ packages }) => Object.entries(packages));
    const scripted = entries.filter(([, entry]) => entry.hasInstallScript);
    expect(Object.keys(installScripts)).toEqual([...new Set(scripted.map((entry) => nameOf(...entry)))]);
    const silent = entries.filter(([folder, { license }]) => folder !== '' && license === undefined);
    expect(Object.keys(licencesReadByHand)).toEqual(
      silent.map(([folder, entry]) => `${nameOf(folder, entry)}@${entry.version}`),
    );
  });

  it('are all listed by npm run sbom if they are shipped, and by their hashes', async () => {
    const { stdout } = await npm(fileURLToPath(root), 'run', '--silent', 'sbom');
    const { components, metadata }: Sbom = JSON.parse(stdout);
    expect(metadata.component).toMatchObject({ name: 'greet', version: locked.packages['']?.version });
    const listed = components.map(({ purl, hashes }) => [decodeURIComponent(purl), hashes[0]?.content]);
    const shipped = Object.entries(locked.packages).filter(([folder, { dev }]) => folder !== '' && !dev);
    const expected = shipped.map(([folder, entry]) => [
      `pkg:npm/${nameOf(folder, entry)}@${entry.version}`,
      Buffer.from(entry.integrity?.slice('sha512-'.length) ?? '', 'base64').toString('hex'),
    ]);
    // Some packages are installed twice, in two folders. The list has them once.
    expect(new Map(listed.sort() as [string, string][])).toEqual(
      new Map(expected.sort() as [string, string][]),
    );
  });

  it('run no script when they are installed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'greet-'));
    const install = async (configuration: URL | undefined) => {
      const project = join(folder, configuration ? 'as-here' : 'anywhere');
      await mkdir(join(project, 'package'), { recursive: true });
      const proof = join(project, 'proof');
      const postinstall = `node -e "fs.writeFileSync('${proof}', 'it ran')"`;
      const scripted = { name: 'scripted', version: '1.0.0', scripts: { postinstall } };
      await writeFile(join(project, 'package/package.json'), JSON.stringify(scripted));
      await writeFile(join(project, 'package.json'), '{"private":true}');
      if (configuration) await copyFile(configuration, join(project, '.npmrc'));
      const packed = await npm(project, 'pack', './package');
      const flags = ['--offline', '--no-audit', '--dangerously-allow-all-scripts'];
      const installed = await npm(project, 'install', ...flags, `./${packed.stdout.trim()}`);
      expect(installed.code, installed.stderr).toBe(0);
      return readFile(proof, 'utf8').catch(() => 'it did not run');
    };
    try {
      // The script runs without this .npmrc, so the test would fail if the .npmrc did not stop it.
      expect(await install(undefined)).toBe('it ran');
      expect(await install(new URL('.npmrc', root))).toBe('it did not run');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
