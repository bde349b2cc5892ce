import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { scratch } from '../emulation/library.ts';

/** Compiles a checkout without bundling it, so that the file of each function is known; returns the folder. */
export function stage(checkout: string): string {
  const from = resolve(checkout);
  const to = join(mkdtempSync(join(scratch, 'staged-')), basename(from));
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (name !== 'dist' && name !== '.git') symlinkSync(join(from, name), join(to, name));
  }
  const args = [
    '-p',
    join(from, 'tsconfig.build.json'),
    '--outDir',
    join(to, 'dist'),
    '--declaration',
    'false',
  ];
  execFileSync(join(from, 'node_modules/.bin/tsc'), args, { stdio: 'inherit' });
  return to;
}
