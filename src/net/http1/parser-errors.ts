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

/** True if the refused request was a HEAD, as far as the last chunk tells. */
export function isHeadRequest({ rawPacket, bytesParsed }: ParserError): boolean {
  const read = rawPacket?.toString('latin1', 0, bytesParsed) ?? '';
  return [...read.matchAll(/(?:^|\r\n\r\n)(\w+) /g)].at(-1)?.[1] === 'HEAD';
}
