import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config/config.ts';
import { type AccessLog, createAccessLog, stampTime } from './access-log.ts';
import { createLogOutput, type LogOutput } from './log-output.ts';

export type { Logger };

export interface Logs {
  readonly logger: Logger;
  readonly accessLog: AccessLog;
}

/** The logs of the process: JSON lines on standard output, or coloured lines on a terminal if pino-pretty is installed. */
export async function createLogs({
  logLevel,
  trustedProxies,
}: Pick<Config, 'logLevel' | 'trustedProxies'>): Promise<Logs & { readonly output: LogOutput }> {
  // Not `process.stdout.isTTY`: that stream would make standard output non-blocking for all processes that share it.
  const output = createLogOutput(isatty(1) ? await loadPrettyFormat() : undefined);
  return { ...buildLogs(logLevel, output, trustedProxies), output };
}

/** Both logs, in the same format, on the given destination. */
export function buildLogs(
  level: string,
  destination: DestinationStream,
  trustedProxies: readonly string[] = [],
): Logs {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stampTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return { logger, accessLog: createAccessLog(logger, destination, trustedProxies) };
}

async function loadPrettyFormat(): Promise<((line: string) => string) | undefined> {
  try {
    const { prettyFactory } = await import('pino-pretty');
    const format = prettyFactory({ singleLine: true, translateTime: 'HH:MM:ss.l' });
    return (line) => format(line);
  } catch {
    // A development dependency: the image has none, and logs JSON on a terminal too.
    return undefined;
  }
}
