import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The content of standard input. */
  readonly input?: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** The output so far. */
  readonly stdout: () => string;
  readonly result: Promise<CommandResult>;
}

/** Starts a command. It is also searched for in /usr/sbin, where Debian has servers. */
export function start(
  command: string,
  args: readonly string[],
  { env = process.env, cwd, input }: CommandOptions = {},
): Running {
  const child = spawn(command, args, { env: { ...env, PATH: `${env.PATH}:/usr/sbin` }, cwd, stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin.on('error', () => {}).end(input);
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, stdout: () => stdout, result };
}

/** Runs a command and waits for its end. */
export function run(
  command: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  return start(command, args, options).result;
}

export function isPresent(command: string): boolean {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Names the commands that are missing on this machine; undefined if none is. In CI this throws instead. */
export function missing(...commands: readonly string[]): string | undefined {
  const absent = commands.filter((command) => !isPresent(command));
  if (absent.length === 0) return undefined;
  const message = `not on this machine: ${absent.join(', ')} (apt-get install ${absent.join(' ')})`;
  if (process.env.CI) throw new Error(message);
  return message;
}
