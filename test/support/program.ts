import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LogLine, testEnvironment, until } from './service.ts';

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Program {
  readonly process: ChildProcess;
  readonly lines: readonly LogLine[];
  readonly stderr: () => string;
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
  /** Waits for the log line with its addresses. */
  listening(): Promise<{ readonly http: string; readonly grpc: string; readonly admin: string }>;
  /** Kills it if it still runs, and removes its files. */
  dispose(): Promise<void>;
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
  /** A command that runs the program, such as `nsenter` with its options. */
  readonly prefix?: readonly string[];
  /** Which log lines are kept; all by default. The line for `listening()` is always read. */
  readonly keeps?: (line: LogLine) => boolean;
  /** Called with the program's own empty working directory before it starts. */
  readonly prepare?: (folder: string) => Promise<void>;
}

/** The built program in a new process, whose environment has only PATH and `env`. */
export async function runProgram({
  env = {},
  nodeOptions = [],
  prefix = [],
  keeps = () => true,
  prepare,
}: Options = {}): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'greet-'));
  await prepare?.(folder);
  const [command = '', ...args] = [...prefix, process.execPath, ...nodeOptions, entry];
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', ...testEnvironment, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: LogLine[] = [];
  let partial = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const whole = (partial + text).split('\n');
    partial = whole.pop() ?? '';
    lines.push(...whole.map((line) => JSON.parse(line) as LogLine).filter(keeps));
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  return {
    process: child,
    lines,
    stderr: () => stderr,
    exited,
    async listening() {
      await until(() => child.exitCode !== null || lines.some(({ msg }) => msg.startsWith('listening')));
      const line = lines.find(({ msg }) => msg.startsWith('listening'));
      if (!line) throw new Error(`The program ended with ${child.exitCode}: ${stderr}`);
      return { http: String(line.http), grpc: String(line.grpc), admin: String(line.admin) };
    },
    async dispose() {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}
