/**
 * The licences, as SPDX identifiers, that shipped packages may have. They only require attribution. Any other licence is refused, such as
 * GPL, AGPL, UNLICENSED or an unknown one.
 */
export const shippedLicences: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
];

/** The licences for packages used only in development. MPL-2.0 requires changes of its files to be published; nobody changes them here. */
export const toolLicences: readonly string[] = [...shippedLicences, 'MPL-2.0'];

/**
 * The licences of packages whose lock entry names none, as read in their files. They are listed by version: the next one may have another
 * licence.
 */
export const licencesReadByHand: Readonly<Record<string, string>> = {
  // Both use the field `licenses`, which npm no longer supports and no lockfile contains.
  'busboy@1.6.0': 'MIT',
  'streamsearch@1.1.0': 'MIT',
};

/**
 * Packages that have an install script, and why they work without it: .npmrc lets no script run. A package that is not listed here may need
 * its script, so it is checked by hand before it is added.
 */
export const installScripts: Readonly<Record<string, string>> = {
  protobufjs: 'warns of how its version is asked for; changes nothing',
  '@scarf/scarf': 'reports to the makers of Swagger UI that it was installed; nothing loads the package',
  esbuild: 'replaces its launcher by the program itself, to start faster; the launcher finds the program too',
};
