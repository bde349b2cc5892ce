import type { IncomingMessage } from 'node:http';
import { defaultLimits } from '../net/limits.ts';
import { Problem } from './problem.ts';

export const maxTargetLength = defaultLimits.maxTargetBytes;

/** No client can send a target with a space in it, so no other request has this one. */
export const malformedTarget = '/ malformed';

/**
 * Fastify's `rewriteUrl`: replaces a target that cannot be decoded, or that is an invalid URL, so that {@link targetProblem} can refuse it
 * after the hooks have run. The router would answer it without any hook, and the query parser would take bad escapes as text.
 */
export function rewriteMalformedTarget({ url = '' }: IncomingMessage): string {
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
  /** The target that is routed. */
  readonly url: string;
  /** The target that the client sent. */
  readonly originalUrl: string;
}

export const targetTooLong = new Problem(
  414,
  `The request target must have at most ${maxTargetLength} bytes.`,
);

export function targetProblem({ method, url, originalUrl }: Target): Problem | undefined {
  if (originalUrl.length > maxTargetLength) return targetTooLong;
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

// RFC 9112, sections 3.2.2 and 3.2.4: the asterisk stands for the server, and is for OPTIONS alone.
const absoluteForm = /^https?:\/\/[^/?#]+/i;

function isUrl(target: string): boolean {
  return absoluteForm.test(target) && URL.canParse(target);
}

/** The path of a target in origin-form or absolute-form (RFC 9112, section 3.2), without its query. */
export function pathOf({ originalUrl }: Pick<Target, 'originalUrl'>): string {
  const target = originalUrl.startsWith('/') ? originalUrl : originalUrl.replace(absoluteForm, '');
  const end = target.search(/[?#]/);
  return (end === -1 ? target : target.slice(0, end)) || '/';
}
