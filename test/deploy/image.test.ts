import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { startFlags } from '../support/program.ts';

it('the image gives Node what `npm start` gives it', async () => {
  const dockerfile = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const [, flags = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(dockerfile) ?? [];
  expect(startFlags).toEqual(['--max-semi-space-size=8']);
  expect(JSON.parse(flags)).toEqual(expect.arrayContaining(['node', ...startFlags, 'dist/main.js']));
});
