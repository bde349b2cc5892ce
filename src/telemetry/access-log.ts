import type { DestinationStream, Logger } from 'pino';
import type { ServerSpan } from './tracing.ts';

/** A request or a call that has ended. */
export interface AccessEntry {
  readonly requestId: string;
  readonly span: ServerSpan | undefined;
  /** All other fields, made by {@link toFields}. */
  readonly fields: string;
  readonly durationMs: number;
  readonly msg: string;
}

export interface AccessLog {
  info(entry: AccessEntry): void;
  debug(entry: AccessEntry): void;
}

/** The decimals of a duration, made in advance: formatting a fraction each time costs more. */
const thousandths = Array.from({ length: 1_000 }, (_, count) => `.${String(count).padStart(3, '0')}`);

/**
 * Writes one line for each request and call, in the logger's format, level and output. It builds the line itself: most of a line is the
 * same for all requests with the same outcome, and is prepared once, so a line costs a third of what the logger takes. Text of a client
 * enters a line only through {@link toFields}, which escapes it, or as a request id or trace id, whose characters need no escape.
 */
export function createAccessLog(logger: Logger, destination: DestinationStream): AccessLog {
  const writerOf = (level: 'info' | 'debug'): ((entry: AccessEntry) => void) => {
    if (!logger.isLevelEnabled(level)) return () => {};
    const head = `{"level":"${level}"`;
    return ({ requestId, span, fields, durationMs, msg }) => {
      const ids = span === undefined ? '' : toFields(span.ids);
      const micros = Math.round(durationMs * 1000);
      const duration = `${Math.floor(micros / 1000)}${thousandths[micros % 1000]}`;
      destination.write(
        `${head}${stampTime()},"requestId":"${requestId}"${ids}${fields},"durationMs":${duration},"msg":"${msg}"}\n`,
      );
    };
  };
  return { info: writerOf('info'), debug: writerOf('debug') };
}

/** Fields as JSON without braces, each after a comma. */
export function toFields(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join('');
}

let stampedSecond = 0;
let stamp = '';

/** The logger's time field, in ISO 8601. It is formatted once a second: formatting costs as much as the rest of a line. */
export function stampTime(): string {
  const now = Date.now();
  const second = Math.floor(now / 1000);
  if (second !== stampedSecond) {
    stampedSecond = second;
    stamp = `,"time":"${new Date(second * 1000).toISOString().slice(0, -'.000Z'.length)}`;
  }
  return `${stamp}${thousandths[now - second * 1000]}Z"`;
}
