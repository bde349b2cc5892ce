import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const lacking = missing('curl', 'bash');

/** Each `$ command` of the console blocks with the output that is shown for it. */
const shown = [...readme.matchAll(/```console\n(.*?)```/gs)].flatMap(([, block = '']) =>
  block
    .split(/^\$ /m)
    .slice(1)
    .map((entry) => ({
      command: entry.slice(0, entry.indexOf('\n')),
      output: entry.slice(entry.indexOf('\n') + 1).trim(),
    })),
);

const withoutIds = (text: string) => text.replace(/"requestId":"[^"]+"/g, '"requestId":"…"');

describe.skipIf(lacking)(`the README's commands${lacking ? `: ${lacking}` : ''}`, () => {
  let program: Program;
  let base: string;
  beforeAll(async () => {
    program = await runProgram();
    base = (await program.listening()).http;
  });
  afterAll(() => program.dispose());

  it('are there', () => expect(shown.length).toBeGreaterThan(5));

  it.each(shown)('print what is shown: $command', async ({ command, output }) => {
    const { stdout } = await run('bash', [
      '-c',
      command.replace('curl ', 'curl -s ').replace('http://localhost:8080', base),
    ]);
    if (!command.includes('curl -sI')) return expect(withoutIds(stdout)).toBe(withoutIds(output));
    for (const line of output.split('\n')) expect(stdout.replaceAll('\r', '').split('\n')).toContain(line);
  });
});
