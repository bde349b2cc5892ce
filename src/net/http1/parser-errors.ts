import type { IncomingMessage } from 'node:http';
import type { Limits } from '../limits.ts';
import type { RefusalCode } from '../refusal.ts';

/** An error of Node's HTTP parser. */
export interface ParserError extends Error {
  readonly code?: string;
  /** The last chunk that it read. */
  readonly rawPacket?: Buffer;
  /** How much of it was read before the error. */
  readonly bytesParsed?: number;
}

/** The refusal that the error stands for; undefined if the connection is gone, so that no client could read a response. */
export function refusalOf(
  { code, rawPacket }: ParserError,
  { maxHeaderBytes, maxTargetBytes }: Limits,
): RefusalCode | undefined {
  const packet = rawPacket?.toString('latin1') ?? '';
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request-timeout';
    case 'HPE_HEADER_OVERFLOW': {
      const target = /^\S+ (\S*)/.exec(packet)?.[1] ?? '';
      return target.length > maxTargetBytes ? 'target-too-long' : 'headers-too-long';
    }
    case 'HPE_INVALID_METHOD':
      return requestLine.test(packet.slice(0, maxHeaderBytes)) ? 'method-unknown' : 'not-http';
    case 'HPE_INVALID_URL':
      return 'target-not-encoded';
    default:
      return 'request-malformed';
  }
}

const requestLine = /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?\n/;

/** The facts about a refused request that its response depends on. */
export interface RefusedRequest {
  readonly isHead: boolean;
  readonly origin: string | undefined;
}

export function describeRequest({ method, headers }: IncomingMessage): RefusedRequest {
  return { isHead: method === 'HEAD', origin: headers.origin };
}

/**
 * The same from the last chunk that the parser read. Origin may follow the place of the error, as it does in a request with an oversized
 * target. A wrong Origin does no harm: a browser compares the origin that is allowed with the page's own.
 */
export function describeRefused({ rawPacket, bytesParsed }: ParserError): RefusedRequest {
  const packet = rawPacket?.toString('latin1') ?? '';
  const start = [...packet.slice(0, bytesParsed).matchAll(/(?:^|\r\n\r\n)(\w+) /g)].at(-1);
  const [head = ''] = packet.slice(start?.index).trimStart().split('\r\n\r\n', 1);
  const origins = [...head.matchAll(/^origin:(.*)$/gim)].map(([, value = '']) => value.trim());
  return { isHead: start?.[1] === 'HEAD', origin: origins.length > 0 ? origins.join(', ') : undefined };
}
