import Negotiator from 'negotiator';
import { Problem } from './problem.ts';

export const textType = 'text/plain; charset=utf-8';
export const jsonType = 'application/json; charset=utf-8';

export type ResponseType = typeof textType | typeof jsonType;

// In our order of preference. A media range of the client must match all parameters that it names: each type stands with and without.
const offered = [textType, 'text/plain', jsonType, 'application/json'];

/** The type that the client prefers (RFC 9110, section 12.5.1): text if it has no preference, undefined if it accepts neither. */
export function negotiateType(accept: string | undefined): ResponseType | undefined {
  if (!accept || accept === '*/*') return textType;
  const chosen = new Negotiator({ headers: { accept: withoutRepetitions(accept) } }).mediaType(offered);
  if (chosen === undefined) return undefined;
  return chosen.startsWith('text/') ? textType : jsonType;
}

/** Of two equal media ranges the first one counts, as where a client adds a type that its library sends already. Negotiator takes the last. */
function withoutRepetitions(accept: string): string {
  return [...new Set(accept.split(',').map((range) => range.trim()))].join();
}

export const notAcceptable = new Problem(
  406,
  `The response is available as ${textType} and ${jsonType}. Accept one of them.`,
);
