/**
 * Licences, as SPDX identifiers, of what is shipped: they ask for no more than to be named. What is on no list is refused: GPL,
 * AGPL, UNLICENSED, and what nobody has heard of.
 */
export const shippedLicences: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
];

/** Of what is only developed with as well: who changes its files must publish them, and nobody here does. */
export const toolLicences: readonly string[] = [...shippedLicences, 'MPL-2.0'];

/** Of packages whose lock entry names none: what their files say. By version, as the next one may say something else. */
export const licencesReadByHand: Readonly<Record<string, string>> = {
  // Both have the form of package.json that npm dropped, `licenses`, which no lockfile repeats.
  'busboy@1.6.0': 'MIT',
  'streamsearch@1.1.0': 'MIT',
};

/**
 * Packages that may have an install script, and why they do without: .npmrc lets none run. One that is not here might be of no
 * use without its script, and is looked at before it comes in.
 */
export const installScripts: Readonly<Record<string, string>> = {
  protobufjs: 'warns of how its version is asked for; changes nothing',
  '@scarf/scarf': 'reports to the makers of Swagger UI that it was installed; nothing loads the package',
  esbuild: 'replaces its launcher by the program itself, to start faster; the launcher finds the program too',
};
