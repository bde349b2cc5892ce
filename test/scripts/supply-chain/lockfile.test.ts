import { describe, expect, it } from 'vitest';
import {
  faultsOfEngines,
  faultsOfLockfile,
  faultsOfManifest,
  type LockedPackage,
  type Manifest,
} from '../../../scripts/supply-chain/lockfile.ts';

const integrity = `sha512-${'a'.repeat(86)}==`;
const sound: LockedPackage = { version: '1.2.3', integrity, license: 'MIT' };

describe('a lockfile', () => {
  const faultsOf = (entry: LockedPackage, folder = 'node_modules/a') =>
    faultsOfLockfile({ lockfileVersion: 3, packages: { '': {}, [folder]: entry } });

  it.each(['node_modules/a', 'node_modules/@scope/a', 'node_modules/b/node_modules/a'])(
    'is valid with a hash for %s and no address',
    (folder) => {
      expect(faultsOf(sound, folder)).toEqual([]);
    },
  );

  it.each<[string, LockedPackage]>([
    ['no integrity', { version: '1.2.3' }],
    ['an empty integrity', { ...sound, integrity: '' }],
    ['SHA-1', { ...sound, integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }],
    ['SHA-1 as an alternative', { ...sound, integrity: `sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk= ${integrity}` }],
    ['a short hash', { ...sound, integrity: 'sha512-aaaa==' }],
    ['a git repository', { ...sound, resolved: 'git+ssh://git@example.com/a.git#0123456' }],
    ['another host', { ...sound, resolved: 'https://packages.example.com/a/-/a-1.2.3.tgz' }],
    ['no encryption', { ...sound, resolved: 'http://packages.example.com/a/-/a-1.2.3.tgz' }],
    ['a file', { ...sound, resolved: 'file:../a.tgz' }],
    ['a link', { resolved: '../a', link: true }],
    ['a range', { ...sound, version: '^1.2.3' }],
    ['no version', { integrity }],
    ['an install script', { ...sound, hasInstallScript: true }],
    [
      'an install script of a package whose name only begins like a listed one',
      {
        ...sound,
        hasInstallScript: true,
        name: 'esbuild-fast',
      },
    ],
  ])('is refused with %s', (_title, entry) => {
    expect(faultsOf(entry)).toEqual([expect.stringMatching(/^node_modules\/a: /)]);
  });

  it('may have the listed install scripts, whatever name the package is installed under', () => {
    const entry = { ...sound, hasInstallScript: true };
    expect(faultsOf(entry, 'node_modules/vite/node_modules/esbuild')).toEqual([]);
    expect(faultsOf({ ...entry, name: 'esbuild' })).toEqual([]);
    expect(faultsOf({ ...entry, name: 'malware' }, 'node_modules/esbuild')).toHaveLength(1);
    expect(faultsOf(entry, 'node_modules/toString')).toHaveLength(1);
  });

  it('is refused for a package outside of node_modules, and for an older version of the format', () => {
    expect(faultsOf(sound, 'packages/a')).toHaveLength(1);
    expect(faultsOfLockfile({ lockfileVersion: 1, packages: {} })).toHaveLength(1);
  });
});

describe('package.json', () => {
  const faultsOf = (manifest: Manifest, root: Manifest, version = '1.2.3') =>
    faultsOfManifest(manifest, { lockfileVersion: 3, packages: { '': root, 'node_modules/a': { version } } });

  it.each(['dependencies', 'devDependencies', 'optionalDependencies'] as const)(
    'has exact %s, the same as the lockfile',
    (kind) => {
      const asked = { [kind]: { a: '1.2.3' } };
      expect(faultsOf(asked, asked)).toEqual([]);
    },
  );

  it.each([
    '^1.2.3',
    '~1.2.3',
    '>=1.2.3',
    '1.2',
    '1.x',
    '*',
    '',
    'latest',
    '1.2.3 || 2.0.0',
    'npm:b@1.2.3',
    'file:../a',
    'git+https://example.com/a.git',
    'https://example.com/a.tgz',
    'someone/a',
  ])('is refused with "%s"', (version) => {
    const asked = { dependencies: { a: version } };
    expect(faultsOf(asked, asked)).toEqual([expect.stringMatching(/^dependencies: a is asked for as /)]);
  });

  it.each<[string, Manifest, Manifest, string?]>([
    ['a package that is not locked', { dependencies: { a: '1.2.3' } }, {}],
    ['none of the locked packages', {}, { dependencies: { a: '1.2.3' } }],
    ['another version', { dependencies: { a: '1.2.4' } }, { dependencies: { a: '1.2.3' } }],
    [
      'a version for which nothing is locked',
      { dependencies: { a: '1.2.3' } },
      { dependencies: { a: '1.2.3' } },
      '1.2.2',
    ],
  ])('is refused when it asks for %s', (_title, manifest, root, version) => {
    expect(faultsOf(manifest, root, version)).toHaveLength(1);
  });
});

describe('the engines of a lockfile', () => {
  const faultsOf = (project: string | undefined, engines?: Record<string, string>) =>
    faultsOfEngines({
      lockfileVersion: 3,
      packages: {
        '': project === undefined ? {} : { engines: { node: project } },
        'node_modules/a': { ...sound, ...(engines && { engines }) },
      },
    });

  it.each([undefined, {}, { npm: '>=99' }, { node: '>=20.19' }, { node: '18 || 20 || >=22' }, { node: '*' }])(
    'are accepted with %j',
    (engines) => {
      expect(faultsOf('>=20.19', engines)).toEqual([]);
    },
  );

  it.each([{ node: '>=22' }, { node: '>=20.20' }, { node: '^18' }, { node: '^20.19.1 || >=22' }])(
    'are refused with %j',
    (engines) => {
      expect(faultsOf('>=20.19', engines)).toEqual([
        `node_modules/a: needs Node ${engines.node}, and the project supports Node 20.19.0`,
      ]);
    },
  );

  it('are refused if the project names no engines itself', () => {
    expect(faultsOf(undefined)).toEqual([expect.stringContaining('engines.node')]);
  });
});
