import { tmpdir } from 'node:os';
import { run } from '../../src/client/command/run.ts';
import type { CommandResult } from '../support/command.ts';

interface GreetOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Where `.env` is looked for: nowhere, unless it is given. */
  readonly folder?: string;
  /** A minute, unless it is given: no search for a cause ends for the machine's being slow. */
  readonly hintTimeoutMs?: number;
}

/** The greet command in this process, which starts a hundred times as fast as one of its own. */
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
