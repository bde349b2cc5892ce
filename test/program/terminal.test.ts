import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { version } from '../../src/shipped-files.ts';
import { PlainProgram, temporaryFolder } from '../support/plain-program.ts';
import { testEnvironment, until } from '../support/service.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The characters of Ctrl-C and Ctrl-\, which a terminal turns into SIGINT and SIGQUIT. */
const keys = { 'Ctrl-C': '\x03', 'Ctrl-\\': '\x1c' };

describe('the program on a terminal', () => {
  const start = async (drainDelayMs: string, script?: string, env: Record<string, string> = {}) => {
    const program = await PlainProgram.start({
      // An empty variable counts as unset.
      env: { DRAIN_DELAY_MS: drainDelayMs, NO_COLOR: '1', ...env },
      runBy: 'terminal',
      ...(script && { script }),
      stdio: 'pipe',
    });
    cleanups.push(() => program.dispose());
    let shown = '';
    program.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    await program.ready();
    return { program, shown: () => shown };
  };

  it('shows the addresses and how to stop it in a few lines, without JSON', async () => {
    const { program, shown } = await start('');
    await until(() => shown().includes('to stop.'));
    const text = shown().replaceAll('\r', '');
    expect(text).not.toMatch(/[{}]|INFO/);
    expect(text.trim().split('\n')).toEqual([
      `greet ${version} is ready.`,
      '',
      `  HTTP   ${program.http}/greet?name=Alice`,
      `  Docs   ${program.http}/docs/`,
      expect.stringMatching(/^ {2}gRPC {3}127\.0\.0\.1:\d+$/),
      `  Admin  ${program.admin}`,
      '',
      'Press Ctrl-C to stop.',
    ]);
  });

  it('shows none of these lines if LOG_LEVEL is above info', async () => {
    const { program, shown } = await start('', undefined, { LOG_LEVEL: 'warn' });
    program.process.stdin?.write(keys['Ctrl-C']);
    expect(await program.exited).toBe(0);
    expect(shown()).not.toContain('greet');
  });

  it.each(Object.entries(keys))(
    'ends on %s without a drain delay, because no balancer sends requests there',
    async (_key, text) => {
      const { program, shown } = await start('');
      program.process.stdin?.write(text);
      expect(await program.exited).toBe(0);
      expect(shown()).toContain('"drainDelayMs":0,');
    },
  );

  it('ends without a drain delay when the terminal is closed', async () => {
    const folder = await temporaryFolder();
    cleanups.push(folder.dispose);
    const { program } = await start('', `exec "$@" >'${folder.file('log')}'`);
    const ended = program.ended();
    program.process.kill('SIGKILL');
    await ended;
    expect(readFileSync(folder.file('log'), 'utf8')).toMatch(
      /"signal":"SIGHUP","drainDelayMs":0,.*\n.*"msg":"drained"\}\n$/,
    );
  });

  it('keeps the delay that was configured', async () => {
    const { program, shown } = await start('300');
    program.process.stdin?.write(keys['Ctrl-C']);
    expect(await program.exited).toBe(0);
    expect(shown()).toContain('"drainDelayMs":300,');
  });

  it('keeps the delay on SIGTERM, because an orchestrator sends it', async () => {
    const { program, shown } = await start('');
    program.signal('SIGTERM');
    await until(() => shown().includes('"drainDelayMs":7000,'));
    expect(await program.status('/livez')).toBe(200);
  });
});

describe('npm run dev', () => {
  it('serves new code without waiting for a drain delay', async () => {
    const folder = await temporaryFolder();
    cleanups.push(folder.dispose);
    const entry = folder.file('entry.mts');
    const save = () => writeFileSync(entry, `import '${root}src/main.ts'; // ${performance.now()}\n`);
    save();
    const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
    const { DRAIN_DELAY_MS: _, ...env } = testEnvironment;
    const command = spawn('sh', ['-c', scripts.dev.replace('src/main.ts', entry)], {
      cwd: folder.path,
      env: { ...env, PATH: `${root}node_modules/.bin${delimiter}${process.env.PATH}` },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const hasEnded = new Promise((resolve) => command.once('exit', resolve));
    const kill = (signal: NodeJS.Signals) => process.kill(-(command.pid as number), signal);
    cleanups.push(async () => {
      if (command.exitCode === null && command.signalCode === null) kill('SIGKILL');
      await hasEnded;
    });
    let log = '';
    command.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const count = (text: string) => log.split(text).length - 1;
    await until(() => count('"listening on') === 1);
    save();
    await until(() => count('"listening on') === 2);
    expect(log).toContain('"signal":"SIGTERM","drainDelayMs":0,');
    expect(count('"msg":"drained"')).toBe(1);
    // A terminal sends the signal to the whole process group.
    kill('SIGINT');
    await until(() => count('"msg":"drained"') === 2);
    await hasEnded;
  });
});
