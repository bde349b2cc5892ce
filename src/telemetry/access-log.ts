import type { DestinationStream, Logger } from 'pino';
import { createClientOf, plainAddress } from '../net/client-address.ts';
import type { Sender, ServerSpan, TraceIds } from './spans.ts';

/** A request or a call that has ended. */
export interface AccessEntry extends Sender {
  readonly requestId: string;
  readonly span: ServerSpan | undefined;
  readonly durationMs: number;
}

/** Writes the line of a request. `fields` are all fields that are not in the entry; {@link toFields} makes them. */
export type WriteEntry = (entry: AccessEntry, fields: string, msg: string) => void;

export interface AccessLog {
  readonly info: WriteEntry;
  readonly debug: WriteEntry;
}

/** The decimals of a duration, made in advance: formatting a fraction each time costs more. */
const thousandths = Array.from({ length: 1_000 }, (_, count) => `.${String(count).padStart(3, '0')}`);

/** The longest text of a client in a line, in characters. */
export const maxTextLength = 256;

/** How many different clients, and how many different user agents, are remembered with their fields. */
const maxRemembered = 1_000;

/**
 * Writes one line for each request and call, in the logger's format, level and output. It builds the line itself: most of a line is the
 * same for all requests with the same outcome, and is prepared once, so a line costs a third of what the logger takes. Text of a client
 * enters a line only through {@link toFields}, which escapes it, or as a request id or trace id, whose characters need no escape.
 */
export function createAccessLog(
  logger: Logger,
  destination: DestinationStream,
  trustedProxies: readonly string[],
): AccessLog {
  const clientOf = createClientOf(trustedProxies);
  const isBehindProxy = trustedProxies.length > 0;
  const describeClient = remember((addresses) => {
    const [peer, ...forwardedFor] = addresses.split(' ');
    return toFields({ client: clientOf(peer, forwardedFor.length > 0 ? forwardedFor.join(' ') : undefined) });
  });
  const describePeer = remember((peer) => {
    const address = plainAddress(peer);
    return `,"peer":"${address.includes(':') ? `[${address}]` : address}:`;
  });
  const describeUserAgent = remember((userAgent) =>
    toFields({ userAgent: userAgent.slice(0, maxTextLength) }),
  );
  const describeSender = ({ peer, peerPort, forwardedFor, userAgent }: Sender): string => {
    const agent = userAgent === undefined ? '' : describeUserAgent(userAgent);
    if (peer === undefined) return agent;
    const isForwarded = isBehindProxy && forwardedFor !== undefined;
    const client = describeClient(isForwarded ? `${peer} ${forwardedFor}` : peer);
    return peerPort === undefined ? client + agent : `${client}${describePeer(peer)}${peerPort}"${agent}`;
  };

  const writerOf = (level: 'info' | 'debug'): WriteEntry => {
    if (!logger.isLevelEnabled(level)) return () => {};
    const head = `{"level":"${level}"`;
    return (entry, fields, msg) => {
      const { requestId, span } = entry;
      const ids = span === undefined ? '' : describeIds(span.ids);
      const micros = Math.round(entry.durationMs * 1000);
      const duration = `${Math.floor(micros / 1000)}${thousandths[micros % 1000]}`;
      destination.write(
        `${head}${stampTime()},"requestId":"${requestId}"${ids}${fields}${describeSender(entry)},"durationMs":${duration},"msg":"${msg}"}\n`,
      );
    };
  };
  const accessLog = { info: writerOf('info'), debug: writerOf('debug') };
  logger.on('level-change', () => {
    accessLog.info = writerOf('info');
    accessLog.debug = writerOf('debug');
  });
  return accessLog;
}

function describeIds({ trace_id, span_id, trace_flags }: TraceIds): string {
  const spanId = span_id === undefined ? '' : `,"span_id":"${span_id}"`;
  return `,"trace_id":"${trace_id}"${spanId},"trace_flags":"${trace_flags}"`;
}

/** The same function, but it calculates the text for each key once. It forgets all texts if there are too many. */
function remember(describe: (key: string) => string): (key: string) => string {
  let texts = new Map<string, string>();
  return (key) => {
    const known = texts.get(key);
    if (known !== undefined) return known;
    const text = describe(key);
    if (key.length > maxTextLength) return text;
    if (texts.size >= maxRemembered) texts = new Map();
    texts.set(key, text);
    return text;
  };
}

/** Fields as JSON without braces, each after a comma. */
export function toFields(values: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(values)
    .map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`)
    .join('');
}

let stampedAt = 0;
let stamp = '';

/** The logger's time field, in ISO 8601. It is formatted once a millisecond: formatting costs as much as the rest of a line. */
export function stampTime(): string {
  const now = Date.now();
  if (now !== stampedAt) {
    stampedAt = now;
    stamp = `,"time":"${new Date(now).toISOString()}"`;
  }
  return stamp;
}
