import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A client's id that is accepted: no character of it could break a log line, a header or a shell. */
const acceptable = /^[\w.:+/=-]{1,128}$/;

// A random prefix for the process and a counter: unique across replicas, and ten times cheaper than a UUID.
const prefix = randomBytes(8).toString('hex');
let count = 0;

/** A request id that is unique across all replicas. */
export function makeRequestId(): string {
  count += 1;
  return `${prefix}-${count.toString(36)}`;
}

/** The client's id if it is acceptable, otherwise a new one. */
export function takeRequestId(offered: unknown): string {
  return typeof offered === 'string' && acceptable.test(offered) ? offered : makeRequestId();
}

/** The same for an HTTP request. Repeated headers arrive joined by a comma, which no acceptable id contains. */
export function requestIdOf({ headers }: { readonly headers: IncomingHttpHeaders }): string {
  return takeRequestId(headers['x-request-id']);
}
