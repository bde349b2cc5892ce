import { minVersion, satisfies } from 'semver';
import { installScripts } from './policy.ts';

/** The fields of a package.json that are checked. */
export interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LockedPackage extends Manifest {
  /** Set only if a package is installed under another name. */
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
}

/** A package-lock.json: every package by its folder; the project itself is ''. */
export interface Lockfile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const exactVersion = /^\d+\.\d+\.\d+(-[\w.-]+)?$/;
const sha512 = /^sha512-[\w+/]{86}==$/;
const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const;

/** The package's own name, wherever it is installed. */
export function nameOf(folder: string, { name }: LockedPackage): string {
  return name ?? folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/**
 * Lists the faults of a lockfile. Every entry must have a hash, so that a registry, a mirror or a proxy cannot give other content, and no
 * URL, so that each machine asks the registry that it is configured for.
 */
export function faultsOfLockfile({ lockfileVersion, packages }: Lockfile): string[] {
  if (lockfileVersion !== 3) return [`lockfileVersion is ${lockfileVersion}, not 3`];
  return Object.entries(packages).flatMap(([folder, entry]) =>
    folder === '' ? [] : faultsOfEntry(folder, entry).map((fault) => `${folder}: ${fault}`),
  );
}

function faultsOfEntry(folder: string, entry: LockedPackage): string[] {
  const { version, resolved, integrity, link, hasInstallScript } = entry;
  if (link || !folder.startsWith('node_modules/')) return ['is no package of a registry'];
  const faults: string[] = [];
  if (!exactVersion.test(version ?? '')) faults.push(`version is ${version}, not an exact one`);
  if (!sha512.test(integrity ?? '')) faults.push(`integrity is ${integrity}, not one SHA-512`);
  if (resolved !== undefined) faults.push(`comes from ${resolved}, not from whichever registry is set`);
  if (hasInstallScript && !Object.hasOwn(installScripts, nameOf(folder, entry)))
    faults.push('has an install script and is not on the list of those that may');
  return faults;
}

/** Lists packages that do not support the oldest Node that the project supports. npm only warns about them without `--engine-strict`. */
export function faultsOfEngines({ packages }: Lockfile): string[] {
  const { '': project, ...others } = packages;
  const oldest = minVersion(project?.engines?.node ?? '');
  if (project?.engines?.node === undefined || oldest === null)
    return ['package.json does not say by engines.node which Node the project supports'];
  return Object.entries(others).flatMap(([folder, { engines }]) =>
    satisfies(oldest, engines?.node ?? '*')
      ? []
      : [`${folder}: needs Node ${engines?.node}, and the project supports Node ${oldest.version}`],
  );
}

/** Lists dependencies in package.json without one exact version, or with another version than the lockfile has. */
export function faultsOfManifest(manifest: Manifest, { packages }: Lockfile): string[] {
  const root = packages[''];
  return kinds.flatMap((kind) => {
    const asked = manifest[kind] ?? {};
    const locked = root?.[kind] ?? {};
    return [...new Set([...Object.keys(asked), ...Object.keys(locked)])].flatMap((name) => {
      const version = asked[name];
      if (version === undefined) return [`${kind}: ${name} is locked and not asked for`];
      if (!exactVersion.test(version)) return [`${kind}: ${name} is asked for as ${version}, not by version`];
      const found = packages[`node_modules/${name}`]?.version;
      if (locked[name] !== version || found !== version)
        return [`${kind}: ${name} is asked for as ${version} and locked as ${found}`];
      return [];
    });
  });
}
