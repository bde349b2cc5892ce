import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
const greet = fileURLToPath(new URL('../../dist/client/command.js', import.meta.url));
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
  let urls: Awaited<ReturnType<Program['listening']>>;
  beforeAll(async () => {
    program = await runProgram();
    urls = await program.listening();
  });
  afterAll(() => program.dispose());

  it('are there', () => expect(shown.length).toBeGreaterThan(5));

  it.each(shown)('print what is shown: $command', async ({ command, output }) => {
    const ports = `PORT=${new URL(urls.http).port} GRPC_PORT=${urls.grpc.split(':').at(-1)}`;
    const here = command
      .replace('curl ', 'curl -s ')
      .replace('http://localhost:8080', urls.http)
      .replace('npx greet', `${ports} '${process.execPath}' '${greet}'`);
    const { stdout } = await run('bash', ['-c', here]);
    if (!command.includes('curl -sI')) return expect(withoutIds(stdout.trim())).toBe(withoutIds(output));
    for (const line of output.split('\n')) expect(stdout.replaceAll('\r', '').split('\n')).toContain(line);
  });
});
