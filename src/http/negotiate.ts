import Negotiator from 'negotiator';
import { Problem } from './problem.ts';

export const textType = 'text/plain; charset=utf-8';
export const jsonType = 'application/json; charset=utf-8';

export type ResponseType = typeof textType | typeof jsonType;

// In our order of preference. Each type is listed with and without its charset: a media range with a charset does not match a type without one.
const offered = [textType, 'text/plain', jsonType, 'application/json'];

/** The type that the client prefers (RFC 9110, section 12.5.1): text if it has no preference, undefined if it accepts neither. */
export function negotiateType(accept: string | undefined): ResponseType | undefined {
  if (!accept || accept === '*/*') return textType;
  const chosen = new Negotiator({ headers: { accept: withoutRepetitions(accept) } }).mediaType(offered);
  if (chosen === undefined) return undefined;
  return chosen.startsWith('text/') ? textType : jsonType;
}

/** Keeps the first of equal media ranges, because Negotiator would take the last. A client may add a type that its HTTP library already sends. */
function withoutRepetitions(accept: string): string {
  return [...new Set(accept.split(',').map((range) => range.trim()))].join();
}

export const notAcceptable = new Problem(
  406,
  `The response is available as ${textType} and ${jsonType}. Accept one of them.`,
);

/** The value of Vary for a response whose type was negotiated. `others` are the other request headers that it depends on. */
export function varyByAccept(others: string | undefined): string {
  return others === undefined ? 'Accept' : `${others}, Accept`;
}
