import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { faultsOfPackages, readInstalled } from '../../../scripts/supply-chain/installed.ts';
import type { LockedPackage } from '../../../scripts/supply-chain/lockfile.ts';

describe('an installed package', () => {
  const folders: string[] = [];
  afterEach(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
  });

  /** The faults of a project with this lockfile and these package.json files. */
  const faultsOf = async (
    packages: Readonly<Record<string, LockedPackage>>,
    installed: Readonly<Record<string, object>>,
  ) => {
    const project = await mkdtemp(join(tmpdir(), 'greet-'));
    folders.push(project);
    for (const [folder, manifest] of Object.entries(installed)) {
      const file = join(project, folder, 'package.json');
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, JSON.stringify(manifest));
    }
    return faultsOfPackages(
      { lockfileVersion: 3, packages: { '': {}, ...packages } },
      await readInstalled(pathToFileURL(`${project}/`)),
    );
  };
  const nested = 'node_modules/@scope/a/node_modules/b';

  it('is checked by its own package.json, also if it is scoped or nested', async () => {
    const locked = {
      'node_modules/@scope/a': { version: '1.0.0', license: 'MIT' },
      [nested]: { version: '2.0.0', license: 'MIT' },
    };
    const a = { version: '1.0.0', license: 'MIT' };
    expect(
      await faultsOf(locked, { 'node_modules/@scope/a': a, [nested]: { version: '2.0.0', license: 'ISC' } }),
    ).toEqual([]);
    expect(
      await faultsOf(locked, {
        'node_modules/@scope/a': a,
        [nested]: { version: '2.0.0', license: 'GPL-3.0-only' },
      }),
    ).toEqual([`${nested}: its licence, GPL-3.0-only, is not on the list`]);
  });

  it.each<[string, Record<string, LockedPackage>, Record<string, object>]>([
    ['not locked', {}, { 'node_modules/a': { version: '1.0.0', license: 'MIT' } }],
    [
      'another version',
      { 'node_modules/a': { version: '1.0.0' } },
      { 'node_modules/a': { version: '1.0.1', license: 'MIT' } },
    ],
    [
      'without a licence',
      { 'node_modules/a': { version: '1.0.0' } },
      { 'node_modules/a': { version: '1.0.0' } },
    ],
    [
      'shipped under the licence of a tool',
      { 'node_modules/a': { version: '1.0.0' } },
      { 'node_modules/a': { version: '1.0.0', license: 'MPL-2.0' } },
    ],
    [
      'only a part of the locked packages',
      { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0', license: 'MIT' } },
      { 'node_modules/a': { version: '1.0.0', license: 'MIT' } },
    ],
    [
      'for another platform under a licence that is not on the list',
      { 'node_modules/a': { version: '1.0.0', license: 'UNLICENSED', optional: true } },
      {},
    ],
    ['not installed, and locked without a licence', { 'node_modules/a': { version: '1.0.0' } }, {}],
  ])('is refused when it is %s', async (_title, locked, installed) => {
    expect(await faultsOf(locked, installed)).toEqual([expect.stringMatching(/^node_modules\/[ab]: /)]);
  });

  it('may be missing if it is for another platform, and may have its licence in the policy if it names none', async () => {
    const a = { version: '1.0.0', license: 'MIT' };
    const locked = { 'node_modules/a': a, 'node_modules/b': { ...a, optional: true } };
    expect(await faultsOf(locked, { 'node_modules/a': a })).toEqual([]);
    expect(await faultsOf({ 'node_modules/busboy': { version: '1.6.0' } }, {})).toEqual([]);
    expect(await faultsOf({ 'node_modules/busboy': { version: '1.6.1' } }, {})).toHaveLength(1);
  });

  it('may have a licence for tools if it is one', async () => {
    const manifest = { version: '1.0.0', license: 'MPL-2.0' };
    expect(
      await faultsOf({ 'node_modules/a': { version: '1.0.0', dev: true } }, { 'node_modules/a': manifest }),
    ).toEqual([]);
  });
});
