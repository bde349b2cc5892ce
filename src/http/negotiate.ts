import Negotiator from 'negotiator';

export const textType = 'text/plain; charset=utf-8';
export const jsonType = 'application/json; charset=utf-8';

// In our order of preference. A client's media range must match the parameters it names, so each type stands with and without.
const offered = [textType, 'text/plain', jsonType, 'application/json'];

/**
 * The type to answer in (RFC 9110, section 12.5.1): the one the client prefers, text where it has no preference, and
 * undefined where it accepts neither.
 */
export function negotiateType(accept: string | undefined): typeof textType | typeof jsonType | undefined {
  if (!accept || accept === '*/*') return textType;
  const chosen = new Negotiator({ headers: { accept } }).mediaType(offered);
  if (chosen === undefined) return undefined;
  return chosen.startsWith('text/') ? textType : jsonType;
}
