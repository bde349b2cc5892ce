import { readFileSync } from 'node:fs';
import { packageFile } from './shipped-files.ts';

/** The package's version. */
export const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string };
