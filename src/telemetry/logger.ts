import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config/config.ts';
import { type AccessLog, createAccessLog, stampTime } from './access-log.ts';
import { createBatchedOutput } from './batched-output.ts';

export type { Logger };

export interface Logs {
  readonly logger: Logger;
  readonly accessLog: AccessLog;
}

/** The process's logs: JSON lines on standard output, or coloured lines where a person is watching and pino-pretty is installed. */
export async function createLogs({ logLevel }: Pick<Config, 'logLevel'>): Promise<Logs> {
  const destination = process.stdout.isTTY ? await createPrettyOutput() : undefined;
  return buildLogs(logLevel, destination ?? createBatchedOutput());
}

/** Both logs on the given destination, in the format of {@link createLogs}. */
export function buildLogs(level: string, destination: DestinationStream): Logs {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stampTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return { logger, accessLog: createAccessLog(logger, destination) };
}

async function createPrettyOutput(): Promise<DestinationStream | undefined> {
  try {
    const { default: pretty } = await import('pino-pretty');
    return pretty({ sync: true, singleLine: true, translateTime: 'HH:MM:ss.l' });
  } catch {
    return undefined; // A development dependency: the image does without it, and logs JSON on a terminal too.
  }
}
