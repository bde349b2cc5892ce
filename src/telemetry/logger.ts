import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config } from '../config.ts';

export type { Logger };

/** How long a line may wait in the buffer, in milliseconds: what a `kill -9` can lose, or the last 4 KiB if that is less. */
const flushIntervalMs = 100;

/**
 * The process's one logger: JSON lines on standard output, or coloured lines where a person is watching and pino-pretty is
 * installed. Lines are written in batches, synchronously; what is buffered is written when the process exits by any path
 * but a signal that cannot be handled.
 */
export async function createLogger({ logLevel }: Pick<Config, 'logLevel'>): Promise<Logger> {
  const destination = process.stdout.isTTY ? await createPrettyDestination() : undefined;
  return buildLogger(logLevel, destination ?? createBufferedDestination());
}

/** A logger on the given destination, in the format of {@link createLogger}. */
export function buildLogger(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stampTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}

let stampedAt = 0;
let stamp = '';

/** The time in ISO 8601, put into words once a millisecond rather than once a line, which would be a tenth of a line's cost. */
function stampTime(): string {
  const now = Date.now();
  if (now !== stampedAt) {
    stampedAt = now;
    stamp = `,"time":"${new Date(now).toISOString()}"`;
  }
  return stamp;
}

function createBufferedDestination(): DestinationStream {
  const destination = pino.destination({
    fd: 1,
    sync: true,
    minLength: 4_096,
    periodicFlush: flushIntervalMs,
  });
  process.on('exit', () => destination.flushSync());
  return destination;
}

async function createPrettyDestination(): Promise<DestinationStream | undefined> {
  try {
    const { default: pretty } = await import('pino-pretty');
    return pretty({ sync: true, singleLine: true, translateTime: 'HH:MM:ss.l' });
  } catch {
    return undefined; // A development dependency: the image does without it, and logs JSON on a terminal too.
  }
}
