import { execFileSync } from 'node:child_process';

import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NamedPipe } from '../support/pipe.ts';
import { type PlainOptions, PlainProgram, temporaryFolder } from '../support/plain-program.ts';
import { type LogLine, until } from '../support/service.ts';

const isRoot = process.getuid?.() === 0;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cleanups: (() => unknown)[];
beforeEach(async () => {
  folder = await temporaryFolder();
  cleanups = [folder.dispose];
});
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

const start = async (options: PlainOptions) => {
  const program = await PlainProgram.start(options);
  cleanups.push(() => program.dispose());
  return program.ready();
};
const open = (path: string, flags: number): number => {
  const descriptor = openSync(path, flags);
  cleanups.push(() => closeSync(descriptor));
  return descriptor;
};
const createPipe = () => {
  const pipe = new NamedPipe(folder.file(`pipe-${cleanups.length}`));
  cleanups.push(() => pipe.dispose());
  return pipe;
};
const createFile = (name: string) => open(folder.file(name), constants.O_WRONLY | constants.O_CREAT);

/** Parses the log. Throws if a line is not whole. */
const parse = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);

/** The numbers of the logged requests in their order, and the numbers of lines that were dropped between them. */
const requestsIn = (text: string) =>
  parse(text)
    .filter(({ requestId, droppedLines }) => /^\d+$/.test(String(requestId)) || droppedLines !== undefined)
    .map(({ requestId, droppedLines }) => ({ id: Number(requestId), lost: Number(droppedLines ?? 0) }));

/** Expects the log to contain or to count as dropped each request up to this one, in order. @returns how many were dropped. */
function expectAllTold(text: string, last: number): number {
  let next = 0;
  let missing = 0;
  for (const { id, lost } of requestsIn(text)) {
    next += lost;
    missing += lost;
    if (lost > 0) continue;
    expect(id).toBe(next);
    next += 1;
  }
  expect(next).toBe(last + 1);
  return missing;
}

describe('a log that cannot be written', () => {
  const toPipe = (writer: number): PlainOptions => ({ stdio: ['ignore', writer, 'pipe'] });
  const stalled: [title: string, options: () => PlainOptions][] = [
    ['a pipe that nobody reads', () => toPipe(createPipe().writer)],
    ['a socket that nobody reads', () => ({ stdio: ['ignore', 'pipe', 'pipe'] })],
    ['a terminal that nobody reads', () => ({ runBy: 'terminal', stdio: ['pipe', 'pipe', 'pipe'] })],
    [
      'a pipe that nobody reads, also as standard error',
      () => {
        const { writer } = createPipe();
        return { stdio: ['ignore', writer, writer] };
      },
    ],
  ];
  const failing: [title: string, options: () => PlainOptions][] = [
    [
      'a pipe whose reader has closed it',
      () => {
        const pipe = createPipe();
        pipe.closeReader();
        return toPipe(pipe.writer);
      },
    ],
    ['a full disk', () => toPipe(open('/dev/full', constants.O_WRONLY))],
    [
      'a file that has reached the size limit',
      () => ({ script: 'ulimit -f 8 && exec "$@"', stdio: ['ignore', createFile('log'), 'pipe'] }),
    ],
    ['a file opened for reading', () => toPipe(open('/dev/null', constants.O_RDONLY))],
    [
      'the read end of a pipe',
      () => {
        execFileSync('mkfifo', [folder.file('wrong')]);
        open(folder.file('wrong'), constants.O_RDWR);
        return toPipe(open(folder.file('wrong'), constants.O_RDONLY));
      },
    ],
  ];

  it.each([...stalled, ...failing])(
    'loses lines but no greeting, and the program exits with 0: %s',
    async (_title, options) => {
      const program = await start(options());
      const stderr = textOf(program.process.stderr);
      let sent = 0;
      // Reading the metrics is slower than logging, so it is done once for ten lines.
      while (!((await program.droppedLines()) > 0))
        for (let count = 0; count < 10; count += 1) await program.logLongLine(String(sent++));
      expect(await program.greet(String(sent))).toBe('Hello, Alice');
      expect(await program.status('/livez')).toBe(200);
      expect(await program.status('/readyz')).toBe(200);
      // The program buffers 1 MB for a reader. The system buffers some more.
      expect(sent).toBeLessThan(1_000);
      program.signal('SIGTERM');
      await program.ended();
      // The command that provides the terminal ends only when its whole output is read.
      program.process.stdout?.resume();
      expect(await program.exited).toBe(0);
      if (program.process.stderr && program.runBy === undefined) expect(await stderr).toMatch(lossAtEnd);
    },
  );

  it('does not keep the error that ended the program from standard error', async () => {
    const program = await start({
      ...toPipe(open('/dev/full', constants.O_WRONLY)),
      nodeOptions: throwOnSignal,
    });
    const stderr = textOf(program.process.stderr);
    program.signal('SIGWINCH');
    expect(await program.exited).toBe(1);
    expect(await stderr).toMatch(/The last one: \{"level":"fatal",.*"boom"/);
  });

  it('continues when the reader reads again: buffered lines, the number of dropped ones, and new lines, in order', async () => {
    const pipe = createPipe();
    const program = await start(toPipe(pipe.writer));
    let sent = 0;
    while (!((await program.droppedLines()) > 0))
      for (let count = 0; count < 10; count += 1) await program.logLongLine(String(sent++));
    await program.greet(String(sent++));
    let text = '';
    await until(async () => {
      text += pipe.read();
      return text.includes('"droppedLines"');
    });
    const last = sent + 20;
    for (; sent <= last; sent += 1) await program.greet(String(sent));
    await until(() => {
      text += pipe.read();
      return text.includes(`"requestId":"${last}"`);
    });
    expect(expectAllTold(text, last)).toBe(await program.droppedLines());
  });

  it('continues when the pipe has a new reader', async () => {
    const pipe = createPipe();
    const program = await start(toPipe(pipe.writer));
    for (let id = 0; id < 10; id += 1) await program.greet(String(id));
    let text = '';
    await until(() => {
      text += pipe.read();
      return text.includes('"requestId":"9"');
    });
    pipe.closeReader();
    for (let id = 10; id < 20; id += 1) await program.greet(String(id));
    await until(async () => (await program.droppedLines()) === 10);
    pipe.openReader();
    for (let id = 20; id < 30; id += 1) await program.greet(String(id));
    await until(() => {
      text += pipe.read();
      return text.includes('"requestId":"29"');
    });
    expect(expectAllTold(text, 29)).toBe(10);
  });

  // Only root can become another user. That user may not open the pipe a second time.
  it.skipIf(!isRoot)('loses lines but no greeting for a user who does not own the pipe', async () => {
    const pipe = createPipe();
    const program = await start({
      script: 'exec setpriv --reuid 65532 --clear-groups "$@"',
      ...toPipe(pipe.writer),
    });
    let sent = 0;
    while (!((await program.droppedLines()) > 0))
      for (let count = 0; count < 10; count += 1) await program.logLongLine(String(sent++));
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
  });

  // Only root can mount a file system.
  it.skipIf(process.getuid?.() !== 0)(
    'continues with whole lines when the full disk has space again',
    async () => {
      const disk = folder.file('disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk]);
      cleanups.push(() => execFileSync('umount', ['--lazy', disk]));
      writeFileSync(`${disk}/other`, Buffer.alloc(65_536));
      const program = await start(toPipe(open(`${disk}/log`, constants.O_WRONLY | constants.O_CREAT)));
      let sent = 0;
      while ((await program.droppedLines()) < 20) await program.logLongLine(String(sent++));
      rmSync(`${disk}/other`);
      const read = () => readFileSync(`${disk}/log`, 'utf8');
      await until(() => read().includes('"droppedLines"'));
      await program.greet(String(sent));
      await until(() => read().includes(`"requestId":"${sent}"`));
      expect(expectAllTold(read(), sent)).toBe(await program.droppedLines());
    },
  );

  it('does not keep an error at the start from standard error', async () => {
    const { writer } = createPipe();
    const program = await PlainProgram.start({ env: { PORT: 'http' }, ...toPipe(writer) });
    cleanups.push(() => program.dispose());
    const stderr = textOf(program.process.stderr);
    expect(await program.exited).toBe(1);
    expect(await stderr).toContain('PORT: expected the port for HTTP');
  });

  it('does not keep the program from exiting with 1 on an error at the start, even if nobody reads standard error', async () => {
    const { writer } = createPipe();
    fill(writer);
    const program = await PlainProgram.start({ env: { PORT: 'http' }, stdio: ['ignore', writer, writer] });
    cleanups.push(() => program.dispose());
    expect(await program.exited).toBe(1);
  });
});

/** Throws in the program on SIGWINCH, which nothing else uses. */
const throwOnSignal = [
  '--import',
  `data:text/javascript,${encodeURIComponent("process.on('SIGWINCH', () => { throw new Error('boom') })")}`,
];

const lossAtEnd =
  /^\d+ log lines could not be written to standard output \(E[A-Z]+\)\. The last one: \{.*"drained"\}\n$/;

async function textOf(stream: Readable | null): Promise<string> {
  return stream ? text(stream) : '';
}

/** Fills the pipe through a second, non-blocking descriptor. */
function fill(writer: number): void {
  const descriptor = openSync(`/proc/self/fd/${writer}`, constants.O_WRONLY | constants.O_NONBLOCK);
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4_096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
  } finally {
    closeSync(descriptor);
  }
}

/** The number of long lines: more than a pipe can hold. */
const logged = 40;

describe('a log whose reader keeps up', () => {
  interface Sink {
    readonly options: PlainOptions;
    /** Returns all output so far. */
    read(program: PlainProgram): string;
  }
  const file = (): Sink => {
    const options: PlainOptions = { stdio: ['ignore', createFile('log'), 'pipe'] };
    return { options, read: () => readFileSync(folder.file('log'), 'utf8') };
  };
  const piped = (): Sink => {
    const pipe = createPipe();
    let text = '';
    return {
      options: { stdio: ['ignore', pipe.writer, 'pipe'] },
      read() {
        text += pipe.read();
        return text;
      },
    };
  };
  const streamed = (options: PlainOptions) => (): Sink => {
    let text: string | undefined;
    return {
      options: { ...options, stdio: ['pipe', 'pipe', 'pipe'] },
      read({ process: { stdout } }) {
        if (text === undefined) {
          text = '';
          stdout?.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
        }
        return text;
      },
    };
  };
  const leave =
    (...signals: readonly NodeJS.Signals[]) =>
    async (program: PlainProgram) => {
      for (const signal of signals) {
        program.signal(signal);
        // Signals within a short time count as one.
        if (signals.length > 1) await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };

  it.each<[string, string, () => Sink, (program: PlainProgram) => Promise<void>, number | NodeJS.Signals]>([
    ['a file', 'SIGTERM', file, leave('SIGTERM'), 0],
    ['a pipe', 'SIGTERM', piped, leave('SIGTERM'), 0],
    ['a socket', 'SIGTERM', streamed({}), leave('SIGTERM'), 0],
    ['a terminal', 'SIGTERM', streamed({ runBy: 'terminal' }), leave('SIGTERM'), 0],
    ['a file', 'a second signal', file, leave('SIGTERM', 'SIGINT'), 1],
    ['a pipe', 'a second signal', piped, leave('SIGTERM', 'SIGINT'), 1],
    ['a file', 'an error that nobody caught', file, leave('SIGWINCH'), 1],
    ['a pipe', 'an error that nobody caught', piped, leave('SIGWINCH'), 1],
    ['a file', 'a signal that it does not drain on', file, leave('SIGUSR2'), 'SIGUSR2'],
    ['a pipe', 'a signal that it does not drain on', piped, leave('SIGUSR2'), 'SIGUSR2'],
  ])('is complete and in order in %s after %s', async (_sink, way, createSink, end, code) => {
    const sink = createSink();
    const env = { DRAIN_DELAY_MS: way === 'a second signal' ? '15000' : '0' };
    const program = await start({ env, nodeOptions: throwOnSignal, ...sink.options });
    let hasEnded = false;
    program.exited.then(() => {
      hasEnded = true;
    });
    sink.read(program);
    for (let id = 0; id < logged; id += 1) {
      await program.logLongLine(String(id));
      sink.read(program);
    }
    await end(program);
    await until(() => {
      sink.read(program);
      return hasEnded;
    });
    expect(await program.exited).toBe(code);
    await until(() => sink.read(program).includes(code === 0 ? 'drained' : `"${logged - 1}"`));
    const ids = [...sink.read(program).matchAll(/"?requestId"?:"(\d+)"/g)].map(([, id]) => Number(id));
    expect(ids).toEqual(Array.from({ length: logged }, (_, id) => id));
  });

  it('keeps the flags of the pipe for other processes, and does not mix its lines with theirs', async () => {
    const pipe = createPipe();
    const flags = () => /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${pipe.writer}`, 'utf8'))?.[1];
    const before = flags();
    const other = `for n in {1..3000}; do echo '{"msg":"other"}'; done`;
    let text = '';
    const reading = setInterval(() => {
      text += pipe.read();
    }, 1);
    cleanups.push(() => clearInterval(reading));
    const program = await start({
      script: `(${other}) & exec "$@"`,
      stdio: ['ignore', pipe.writer, 'inherit'],
    });
    for (let id = 0; id < 200; id += 1) await program.greet(String(id));
    expect(flags()).toBe(before);
    await until(() => text.includes('"requestId":"199"') && text.split('{"msg":"other"}\n').length === 3_001);
    expect(expectAllTold(text, 199)).toBe(0);
  });

  it('does not harm the program if its reader ends after the first line', async () => {
    const program = await start({
      script: `exec "$@" > >(head -1 >'${folder.file('log')}')`,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await program.greet('0');
    await until(async () => (await program.droppedLines()) > 0);
    expect(await program.greet('1')).toBe('Hello, Alice');
    program.signal('SIGTERM');
    expect(await program.exited).toBe(0);
    expect(parse(readFileSync(folder.file('log'), 'utf8'))).toMatchObject([
      { level: 'info', http: program.http },
    ]);
  });
});
