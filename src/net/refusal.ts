import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Why the wire refuses input before it becomes a request of the service. */
export type RefusalCode =
  | 'not-http'
  | 'request-malformed'
  | 'request-timeout'
  | 'headers-too-long'
  | 'target-too-long'
  | 'target-not-encoded'
  | 'method-unknown'
  | 'connect-method';

/** A request that the wire refuses, as far as it was read. */
export interface Refusal {
  readonly code: RefusalCode;
  /** The address of the other end of the connection, if it has one. */
  readonly peer: string | undefined;
  /** The Origin header, if it was read. A page on another origin can read the response only if the response names that origin. */
  readonly origin: string | undefined;
}

/** The response that the service chooses. */
export interface RefusalResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Builds the service's response to a refusal. It is called once for each, so it also counts and logs it. */
export type AnswerRefusal = (refusal: Refusal) => RefusalResponse;

/** Adds the headers that depend on the time and on the body. */
export function refusalHeaders({ headers, body }: RefusalResponse): Record<string, string> {
  return { ...headers, date: new Date().toUTCString(), 'content-length': String(Buffer.byteLength(body)) };
}

/** Writes the response to the bare socket as HTTP/1.1, and ends the connection. A response to HEAD has no body (RFC 9110, section 9.3.2). */
export function writeRefusal(socket: Duplex, response: RefusalResponse, isHead: boolean): void {
  const { status, body } = response;
  const headers = { ...refusalHeaders(response), connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${isHead ? '' : body}`);
}
