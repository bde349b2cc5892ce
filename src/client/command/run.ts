import { readFileSync } from 'node:fs';
import { GreetError } from '../greet-error.ts';
import { type Command, help, readCommandLine } from './command-line.ts';
import { findHint } from './hint.ts';
import { openTransport } from './open-transport.ts';
import type { Transport } from './transport.ts';
import { UsageError } from './usage-error.ts';

/** The inputs and outputs of a command, besides its arguments. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The folder of `.env`. */
  readonly folder: string;
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
  /** How long the cause of a failure is looked for, in milliseconds. */
  readonly hintTimeoutMs: number;
}

/** Runs the command. @returns its exit status. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const { printError } = surroundings;
  try {
    return await execute(readCommandLine(args), surroundings);
  } catch (error) {
    if (error instanceof UsageError) {
      printError(`greet: ${error.message}\nTry greet --help.`);
      return 2;
    }
    if (!(error instanceof GreetError)) throw error;
    printError(`greet: ${toLine(error.message)}`);
    return error.kind === 'unavailable' || error.kind === 'timeout' ? 3 : 1;
  }
}

async function execute(
  command: Command,
  { env, folder, print, hintTimeoutMs }: Surroundings,
): Promise<number> {
  const done = (text: string) => {
    print(text);
    return 0;
  };
  if (command.action === 'help') return done(help);
  if (command.action === 'version') return done(`greet ${readVersion()}`);
  const { isJson } = command.options;
  const transport = await openTransport(command.options, env, folder);
  try {
    if (command.action === 'health') {
      const { ready, status } = await transport.health();
      print(isJson ? JSON.stringify({ status }) : status);
      return ready ? 0 : 1;
    }
    for (const name of command.names) {
      const { message } = await transport.greet(name);
      print(toLine(isJson ? JSON.stringify({ message }) : message));
    }
    return 0;
  } catch (error) {
    throw await withHint(error, transport, hintTimeoutMs);
  } finally {
    transport.close();
  }
}

/** Replaces control characters, so that an unknown server cannot control the terminal. A greeting of the service has none. */
function toLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}

/** Adds the probable cause to an error, unless the service itself answered. */
async function withHint(error: unknown, { attempt }: Transport, timeoutMs: number): Promise<unknown> {
  if (!(error instanceof GreetError) || error.requestId !== undefined || error.violations.length > 0)
    return error;
  const { kind, message, cause } = error;
  const hint = await findHint(attempt, timeoutMs);
  return hint ? new GreetError(kind, `${message.replace(/\.?$/, '.')} ${hint}`, { cause }) : error;
}

function readVersion(): string {
  const manifest = new URL('../../../package.json', import.meta.url);
  return JSON.parse(readFileSync(manifest, 'utf8')).version;
}
