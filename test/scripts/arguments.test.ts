import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../src/config/config.ts';
import { run } from '../support/command.ts';

const root = new URL('../../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
/** PORT is not valid: the program would fail if it were loaded to handle the arguments. */
const env = { ...process.env, PORT: 'none', BUILD_REVISION: 'abc123' };
const main = (...args: string[]) =>
  run(process.execPath, [fileURLToPath(new URL('dist/main.js', root)), ...args], { env });

describe('node dist/main.js', () => {
  it('prints the version with --version', async () => {
    expect(await main('--version')).toEqual({
      code: 0,
      stdout: `greet ${version} (revision abc123), Node ${process.versions.node}\n`,
      stderr: '',
    });
  });

  it.each(['--help', '-h'])('prints its usage and existing settings with %s', async (option) => {
    const { code, stdout, stderr } = await main(option);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: node dist\/main\.js /);
    const named = [...stdout.matchAll(/^ {2}([A-Z_]+) .*\(default: (\S+)\)$/gm)];
    expect(named.length).toBeGreaterThan(3);
    const defaults = environmentSchema.parse({}) as Record<string, unknown>;
    for (const [, name = '', value] of named) expect(String(defaults[name]), name).toBe(value);
  });

  it.each([[['--port', '8081']], [['--version', '--help']], [['PORT=8081']], [['']]])(
    'refuses other arguments: %j',
    async (args) => {
      const { code, stdout, stderr } = await main(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(`expected no arguments, --version or --help; got ${args.join(' ')}\n`);
    },
  );
});
