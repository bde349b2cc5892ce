import { tmpdir } from 'node:os';
import { run } from '../../src/client/command/run.ts';
import type { CommandResult } from '../support/command.ts';

interface GreetOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** The folder of `.env`. By default it does not exist. */
  readonly folder?: string;
  /** A minute by default, so that a slow machine does not end the search for the cause. */
  readonly hintTimeoutMs?: number;
}

/** Runs the greet command in this process, which starts a hundred times as fast as a new one. */
export async function greet(
  args: readonly string[],
  { env = {}, folder = `${tmpdir()}/nowhere`, hintTimeoutMs = 60_000 }: GreetOptions = {},
): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  const code = await run(args, {
    env,
    folder,
    hintTimeoutMs,
    print(line) {
      stdout += `${line}\n`;
    },
    printError(line) {
      stderr += `${line}\n`;
    },
  });
  return { code, stdout, stderr };
}
