import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { faultsOfPackages, readInstalled } from './installed.ts';
import { faultsOfEngines, faultsOfLockfile, faultsOfManifest, type Lockfile } from './lockfile.ts';

/** The projects of this repository: the service, and the benchmark's contenders, which are locked and mostly not installed. */
const projects = ['./', 'bench/'];

export interface Report {
  readonly packages: number;
  /** One message for each fault, with the project and the package. */
  readonly faults: readonly string[];
}

/** Checks a project's package.json, package-lock.json and node_modules against each other and against the policy. */
export async function checkProject(folder: URL): Promise<Report> {
  const read = async (name: string) => JSON.parse(await readFile(new URL(name, folder), 'utf8'));
  const lockfile: Lockfile = await read('package-lock.json');
  const faults = [
    ...faultsOfManifest(await read('package.json'), lockfile),
    ...faultsOfLockfile(lockfile),
    ...faultsOfEngines(lockfile),
    ...faultsOfPackages(lockfile, await readInstalled(folder)),
  ];
  return { packages: Object.keys(lockfile.packages).length - 1, faults };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const project of projects) {
    const { packages, faults } = await checkProject(new URL(`../../${project}`, import.meta.url));
    for (const fault of faults) console.error(`not ok - ${project}${fault}`);
    if (faults.length > 0) process.exitCode = 1;
    else
      console.log(
        `ok - ${project}: ${packages} packages, each pinned, hashed, licensed, for the oldest supported Node, and installed without a script`,
      );
  }
}
