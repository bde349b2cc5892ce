import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { UsageError } from './usage-error.ts';

/** Looks up a variable as the service does: the value is trimmed, and an empty one counts as unset. */
export type Environment = (name: string) => string | undefined;

/**
 * Reads the variables as a service in this folder would: from the environment, and otherwise from `.env`.
 *
 * @throws {UsageError} if there is a `.env` that cannot be read.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, folder: string): Environment {
  const variables = { ...readEnvFile(join(folder, '.env')), ...env };
  return (name) => variables[name]?.trim() || undefined;
}

function readEnvFile(path: string): NodeJS.Dict<string> {
  try {
    // Opening a FIFO would wait for its writer.
    if (!statSync(path).isFile()) throw new Error('it is not a file');
    const bytes = readFileSync(path);
    if (!isUtf8(bytes) || bytes.includes(0)) throw new Error('it is not UTF-8');
    return parseEnv(bytes.toString('utf8').replace(/^\uFEFF/, ''));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw new UsageError(`.env: expected a text file that can be read; ${message}`);
  }
}
