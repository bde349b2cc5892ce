import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem, problemMediaType, renderProblem } from '../../http/problem.ts';
import { maxTargetLength, targetTooLong } from '../../http/target.ts';
import { makeRequestId } from '../../telemetry/request-id.ts';

/** The longest request line and headers read together, in bytes. */
export const maxHeaderSize = 8_192;

/** What Node's HTTP parser reports: `rawPacket` is the last piece that it read. */
export interface ParserError extends Error {
  readonly code?: string;
  readonly rawPacket?: Buffer;
  /** How much of it was read before the fault. */
  readonly bytesParsed?: number;
}

export const notHttp1 = new Problem(400, 'This is not an HTTP/1.1 request.');

/** Whether the refused request was a HEAD, as far as can be told: its answer has no body (RFC 9110, section 9.3.2). */
export function isForHead({ rawPacket, bytesParsed }: ParserError): boolean {
  const read = rawPacket?.toString('latin1', 0, bytesParsed) ?? '';
  return [...read.matchAll(/(?:^|\r\n\r\n)(\w+) /g)].at(-1)?.[1] === 'HEAD';
}

/** What was refused before it became a request. */
export interface Refusal {
  readonly requestId: string;
  readonly status: number;
  readonly reason: string;
}

/** What the parser refused, as the problem to answer it with; undefined when there is nobody left to answer. */
export function describeParserError({ code, rawPacket }: ParserError): Problem | undefined {
  switch (code) {
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem(408, 'The request did not arrive in time.');
    case 'HPE_HEADER_OVERFLOW':
      return isTargetTooLong(rawPacket) ? targetTooLong() : headersTooLong();
    case 'HPE_INVALID_METHOD':
      return isRequestLine(rawPacket) ? methodNotKnown() : notHttp1;
    case 'HPE_INVALID_URL':
      return targetNotEncoded();
    default:
      return new Problem(400, 'The request is not valid HTTP/1.1.');
  }
}

export function headersTooLong(): Problem {
  return new Problem(431, `The request line and headers must have at most ${maxHeaderSize} bytes together.`);
}

export function methodNotKnown(): Problem {
  return new Problem(501, 'The request method is not known here.');
}

export function targetNotEncoded(): Problem {
  return new Problem(
    400,
    "The request target has characters that must be percent-encoded, for instance by curl -G --data-urlencode 'name=…'.",
  );
}

/** What CONNECT is told (RFC 9110, section 9.3.6). */
export function noProxy(): Problem {
  return new Problem(405, 'This is no proxy.', { headers: { allow: 'GET, HEAD, OPTIONS' } });
}

function isRequestLine(packet: Buffer | undefined): boolean {
  return (
    packet !== undefined &&
    /^[!#$%&'*+.^_`|~\w-]+ \S+ HTTP\/1\.[01]\r?\n/.test(packet.toString('latin1', 0, maxHeaderSize))
  );
}

function isTargetTooLong(packet: Buffer | undefined): boolean {
  const target = packet && /^\S+ (\S*)/.exec(packet.toString('latin1'))?.[1];
  return target !== undefined && target.length > maxTargetLength;
}

/** The answer to what never became a request: beside every hook, and with the headers that they would have set. */
export function renderRefusal(problem: Problem) {
  const requestId = makeRequestId();
  const body = renderProblem(problem, requestId);
  const headers = {
    ...problem.headers,
    date: new Date().toUTCString(),
    'content-type': problemMediaType,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
  return { requestId, headers, body };
}

/**
 * Writes it on the bare socket, and closes that.
 *
 * @returns the id it was answered under.
 */
export function writeProblem(socket: Duplex, problem: Problem, isHead = false): string {
  const { requestId, headers, body } = renderRefusal(problem);
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${isHead ? '' : body}`,
  );
  return requestId;
}
