import { readdir, readFile } from 'node:fs/promises';
import { isAllowed, type LicenceFields, readLicences } from './licence.ts';
import { type LockedPackage, type Lockfile, nameOf } from './lockfile.ts';
import { licencesReadByHand, shippedLicences, toolLicences } from './policy.ts';

interface Installed extends LicenceFields {
  readonly version?: string;
}

/** Reads every package below the project's folder, also nested ones, by its folder in the lockfile. */
export async function readInstalled(project: URL): Promise<Map<string, Installed>> {
  const found = new Map<string, Installed>();
  const visit = async (modules: string): Promise<void> => {
    for (const name of await list(new URL(modules, project))) {
      if (name.startsWith('.')) continue;
      const folder = `${modules}${name}`;
      if (name.startsWith('@')) {
        await visit(`${folder}/`);
        continue;
      }
      found.set(folder, JSON.parse(await readFile(new URL(`${folder}/package.json`, project), 'utf8')));
      await visit(`${folder}/node_modules/`);
    }
  };
  await visit('node_modules/');
  return found;
}

async function list(folder: URL): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Checks that the installed packages are the locked ones, and that their licences are allowed. The licence is read from the installed
 * package, or else from the lockfile: a package for another platform is not installed.
 */
export function faultsOfPackages(
  { packages }: Lockfile,
  installed: ReadonlyMap<string, Installed>,
): string[] {
  const unlocked = [...installed.keys()].filter((folder) => packages[folder] === undefined);
  return [
    ...unlocked.map((folder) => `${folder}: is installed and not locked`),
    ...Object.entries(packages).flatMap(([folder, entry]) =>
      folder === '' ? [] : faultsOfPackage(folder, entry, installed.get(folder), installed.size > 0),
    ),
  ];
}

function faultsOfPackage(
  folder: string,
  entry: LockedPackage,
  found: Installed | undefined,
  anyIsInstalled: boolean,
): string[] {
  if (found === undefined && anyIsInstalled && !entry.optional)
    return [`${folder}: is locked and not installed`];
  if (found !== undefined && found.version !== entry.version)
    return [`${folder}: is locked as ${entry.version} and installed as ${found.version}`];
  const id = `${nameOf(folder, entry)}@${entry.version}`;
  const said = readLicences(found ?? entry);
  const expressions = said.length > 0 ? said : [licencesReadByHand[id]].filter((one) => one !== undefined);
  if (expressions.length === 0) return [`${folder}: names no licence`];
  const allowed = entry.dev ? toolLicences : shippedLicences;
  if (expressions.some((expression) => isAllowed(expression, allowed))) return [];
  return [`${folder}: its licence, ${expressions.join(' or ')}, is not on the list`];
}
