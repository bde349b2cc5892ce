import type { IncomingMessage } from 'node:http';
import { Problem } from './problem.ts';

/** The longest request target answered, in bytes. The longest name takes 1,200, percent-encoded. */
export const maxTargetLength = 4_096;

/** No client can ask for a target with a space in it, so no other request is routed here. */
const malformedTarget = '/ malformed';

/**
 * Sends a target that does not decode, or is a URL that is none, to a place of its own, where {@link refuseTarget} meets it after
 * the hooks have run: the router would answer it beside every hook, and the query parser would take bad escapes for text.
 */
export function routeMalformed({ url = '' }: IncomingMessage): string {
  if (/^https?:/i.test(url) && !isUrl(url)) return malformedTarget;
  if (!url.includes('%')) return url;
  try {
    decodeURIComponent(url);
    return url;
  } catch {
    return malformedTarget;
  }
}

interface Target {
  readonly method: string;
  /** What is routed. */
  readonly url: string;
  /** What was asked for. */
  readonly originalUrl: string;
}

export function refuseTarget({ method, url, originalUrl }: Target): Problem | undefined {
  if (originalUrl.length > maxTargetLength) return targetTooLong();
  if (
    !originalUrl.startsWith('/') &&
    !absoluteForm.test(originalUrl) &&
    !(method === 'OPTIONS' && originalUrl === '*')
  ) {
    return new Problem(400, 'The request target must be a path such as /greet?name=Alice, or a URL.');
  }
  if (url !== malformedTarget) return undefined;
  return new Problem(
    400,
    originalUrl.startsWith('/') || isUrl(originalUrl)
      ? 'The request target is not percent-encoded UTF-8. Encode each value, as curl -G --data-urlencode does.'
      : 'The request target is not a URL with a host.',
  );
}

export function targetTooLong(): Problem {
  return new Problem(414, `The request target must have at most ${maxTargetLength} bytes.`);
}

// RFC 9112, sections 3.2.2 and 3.2.4: the asterisk stands for the server, and is for OPTIONS alone.
const absoluteForm = /^https?:\/\/[^/?#]+/i;

function isUrl(target: string): boolean {
  return absoluteForm.test(target) && URL.canParse(target);
}

/** The path alone, of a target in origin-form or in absolute-form (RFC 9112, section 3.2). */
export function pathOf({ originalUrl }: Pick<Target, 'originalUrl'>): string {
  const target = originalUrl.startsWith('/') ? originalUrl : originalUrl.replace(absoluteForm, '');
  const end = target.search(/[?#]/);
  return (end === -1 ? target : target.slice(0, end)) || '/';
}
