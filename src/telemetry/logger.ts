import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config/config.ts';
import { type AccessLog, createAccessLog, stampTime } from './access-log.ts';
import { createLogOutput } from './log-output.ts';

export type { Logger };

export interface Logs {
  readonly logger: Logger;
  readonly accessLog: AccessLog;
}

/** The logs of the process: JSON lines on standard output, or coloured lines on a terminal if pino-pretty is installed. */
export async function createLogs({
  logLevel,
  trustedProxies,
}: Pick<Config, 'logLevel' | 'trustedProxies'>): Promise<Logs> {
  const destination = process.stdout.isTTY ? await createPrettyOutput() : undefined;
  return buildLogs(logLevel, destination ?? createLogOutput(), trustedProxies);
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

async function createPrettyOutput(): Promise<DestinationStream | undefined> {
  try {
    const { default: pretty } = await import('pino-pretty');
    return pretty({ sync: true, singleLine: true, translateTime: 'HH:MM:ss.l' });
  } catch {
    // A development dependency: the image has none, and logs JSON on a terminal too.
    return undefined;
  }
}
