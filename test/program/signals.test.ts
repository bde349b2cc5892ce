import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fatalSignals, stopSignals } from '../../src/signals.ts';
import { type PlainOptions, PlainProgram, temporaryFolder } from '../support/plain-program.ts';
import { type LogLine, until } from '../support/service.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let programs: PlainProgram[];
let log: number;
beforeEach(async () => {
  folder = await temporaryFolder();
  programs = [];
  log = openSync(folder.file('log'), constants.O_WRONLY | constants.O_CREAT);
});
afterEach(async () => {
  for (const program of programs) await program.dispose();
  closeSync(log);
  await folder.dispose();
});

const start = async (options: PlainOptions = {}) => {
  const program = await PlainProgram.start({ stdio: ['ignore', log, 'pipe'], ...options });
  programs.push(program);
  return program;
};
const lines = () =>
  readFileSync(folder.file('log'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
const requestIds = () => lines().flatMap(({ requestId }) => (requestId === undefined ? [] : [requestId]));
const messages = () => lines().map(({ msg }) => msg);

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;

/** Longer than any test, and far longer than the program takes to end without a delay. */
const longDelay = { DRAIN_DELAY_MS: '300000', TERMINATION_GRACE_PERIOD_MS: '400000' };

describe('a signal to the built program', () => {
  it.each(stopSignals)('drains on %s, loses no line, and ends with 0', async (signal) => {
    const program = await (await start({ env: { DRAIN_DELAY_MS: '500' } })).ready();
    for (let id = 0; id < 20; id += 1) await program.greet(String(id));
    program.signal(signal);
    await until(async () => (await program.status('/readyz')) === 503);
    expect(await program.greet('draining')).toBe('Hello, Alice');
    expect(await program.exited).toBe(0);
    expect(requestIds()).toEqual([...Array(20).keys()].map(String).concat('draining'));
    expect(lines().find(({ msg }) => msg.startsWith('draining'))).toMatchObject({ signal });
  });

  it.each(fatalSignals)('loses no line on %s, and the signal ends it', async (signal) => {
    const program = await (await start()).ready();
    for (let id = 0; id < 20; id += 1) await program.greet(String(id));
    program.signal(signal);
    expect(await program.exited).toBe(signal);
    expect(requestIds()).toEqual([...Array(20).keys()].map(String));
  });

  it('ends the drain on a second signal, except SIGHUP, which a closing terminal sends', async () => {
    const program = await (await start({ env: longDelay })).ready();
    program.signal('SIGTERM');
    await until(() => messages().includes('draining; a second signal ends the process at once'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    program.signal('SIGHUP');
    expect(await program.greet('draining')).toBe('Hello, Alice');
    program.signal('SIGQUIT');
    expect(await program.exited).toBe(1);
    expect(messages().at(-1)).toBe('second signal: exiting at once');
  });

  it('ends the program with 1, even if a listener never closes', async () => {
    const code =
      "import { Server } from 'node:http'; Server.prototype.close = function close() { return this; };";
    const program = await start({
      env: { SHUTDOWN_TIMEOUT_MS: '0' },
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(code)}`],
    });
    await program.ready();
    program.signal('SIGTERM');
    expect(await program.exited).toBe(1);
    expect(messages().at(-1)).toBe('exiting after an unexpected error');
  });

  it('has no effect if it does not ask the program to end', async () => {
    const program = await (await start()).ready();
    for (const signal of ['SIGPIPE', 'SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGXFSZ', 'SIGWINCH'] as const) {
      program.signal(signal);
      expect(await program.greet(signal)).toBe('Hello, Alice');
    }
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });

  it('loses no line if it ends the program during the drain', async () => {
    const program = await (await start({ env: longDelay })).ready();
    program.signal('SIGTERM');
    await until(async () => (await program.status('/readyz')) === 503);
    await program.greet('draining');
    program.signal('SIGUSR2');
    expect(await program.exited).toBe('SIGUSR2');
    expect(requestIds()).toEqual(['draining']);
  });

  it('refuses no greeting as overload after SIGSTOP and, two seconds later, SIGCONT', async () => {
    const program = await (await start({ env: { MAX_EVENT_LOOP_DELAY_MS: '500' } })).ready();
    program.signal('SIGSTOP');
    const answers = Array.from({ length: 50 }, () => fetch(`${program.http}/greet?name=Alice`));
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    program.signal('SIGCONT');
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('is left to another handler, if there is one', async () => {
    const report = ['--report-on-signal', `--report-dir=${folder.path}`, '--report-filename=report.json'];
    const program = await (await start({ nodeOptions: report })).ready();
    program.signal('SIGUSR2');
    await until(() => spawnSync('test', ['-s', folder.file('report.json')]).status === 0);
    expect(await program.greet('after')).toBe('Hello, Alice');
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });

  it('opens no inspector in the image, whose command has --disable-sigusr1', async () => {
    const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
    expect(JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '')).toContain('--disable-sigusr1');
  });

  it.runIf(process.allowedNodeEnvironmentFlags.has('--disable-sigusr1'))(
    'opens no inspector on SIGUSR1 with --disable-sigusr1',
    async () => {
      const program = await (await start({ nodeOptions: ['--disable-sigusr1'] })).ready();
      program.signal('SIGUSR1');
      expect(await program.greet('after')).toBe('Hello, Alice');
      program.signal('SIGTERM');
      expect(await program.exited).toBe(0);
      expect(program.process.stderr?.read()).toBeNull();
    },
  );
});

describe('a signal while the program starts', () => {
  it.each(stopSignals)('ends it with 0 and without a drain delay: %s', async (signal) => {
    const program = await start({ env: longDelay });
    // Node handles SIGTERM and SIGINT before the program does. The program adds its handler for SIGHUP after those.
    await program.handles(signal === 'SIGTERM' || signal === 'SIGINT' ? 'SIGHUP' : signal);
    program.signal(signal);
    expect(await program.exited).toBe(0);
  });

  /** Process 1 of a namespace ignores signals without a handler. */
  it.runIf(canUnshare)('ends it with 0 as process 1, at any moment of the start', async () => {
    for (let part = 0; part <= 8; part += 1) {
      const program = await start({ runBy: 'namespace' });
      await program.handles('SIGHUP');
      await new Promise((resolve) => setTimeout(resolve, part * 25));
      program.signal('SIGTERM');
      expect(await program.exited).toBe(0);
    }
    expect(messages()).not.toContain('second signal: exiting at once');
  });

  it('does not wait for a start that hangs', async () => {
    // The lookup of the address never ends.
    const hang = "import dns from 'node:dns'; dns.lookup = () => setInterval(() => {}, 1e6);";
    const program = await start({
      env: { ...longDelay, HOST: 'greet.example' },
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(hang)}`],
    });
    await program.handles('SIGUSR2');
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });
});
