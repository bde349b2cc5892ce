import { randomBytes } from 'node:crypto';

/** What is taken over from a caller: nothing that could break a log line, a header or a shell. */
const acceptable = /^[\w.:+/=-]{1,128}$/;

// A random prefix for the process and a counter: unique across replicas, and ten times cheaper than a UUID each.
const prefix = randomBytes(8).toString('hex');
let count = 0;

/** A request id that no other request of any replica has. */
export function makeRequestId(): string {
  count += 1;
  return `${prefix}-${count.toString(36)}`;
}

/** The caller's id where it is one we would repeat, and otherwise a new one. */
export function takeRequestId(offered: unknown): string {
  return typeof offered === 'string' && acceptable.test(offered) ? offered : makeRequestId();
}
