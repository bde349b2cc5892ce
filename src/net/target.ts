import type { IncomingMessage } from 'node:http';
import { defaultLimits } from './limits.ts';

const { maxTargetBytes } = defaultLimits;

/** No client can send a target with a space in it, so no other request has this one. */
const malformedTarget = '/ malformed';

/**
 * Returns the target for the router. A target that cannot be decoded, or that is an invalid URL, is replaced, so that {@link targetFault}
 * finds it after the service's hooks have run. A router would answer it before them, and a query parser would take bad escapes as text.
 */
export function routedTarget({ url = '' }: IncomingMessage): string {
  if (url[0] !== '/' && /^https?:/i.test(url) && !isUrl(url)) return malformedTarget;
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
  /** The target that is routed: {@link routedTarget}. */
  readonly url: string;
  /** The target that the client sent. */
  readonly originalUrl: string;
}

/** What is wrong with the target of a request (RFC 9112, section 3.2). */
export type TargetFault = 'too-long' | 'wrong-form' | 'not-encoded' | 'not-a-url';

export function targetFault({ method, url, originalUrl }: Target): TargetFault | undefined {
  if (originalUrl.length > maxTargetBytes) return 'too-long';
  const isPath = originalUrl.startsWith('/');
  // The asterisk stands for the server, and is for OPTIONS alone (section 3.2.4).
  if (!isPath && !absoluteForm.test(originalUrl) && !(method === 'OPTIONS' && originalUrl === '*'))
    return 'wrong-form';
  if (url !== malformedTarget) return undefined;
  return isPath || isUrl(originalUrl) ? 'not-encoded' : 'not-a-url';
}

// Section 3.2.2.
const absoluteForm = /^https?:\/\/[^/?#]+/i;

function isUrl(target: string): boolean {
  return absoluteForm.test(target) && URL.canParse(target);
}

/** The path of a target in origin-form or absolute-form, without its query. */
export function pathOf({ originalUrl }: Pick<Target, 'originalUrl'>): string {
  const target = originalUrl.startsWith('/') ? originalUrl : originalUrl.replace(absoluteForm, '');
  const end = target.search(/[?#]/);
  return (end === -1 ? target : target.slice(0, end)) || '/';
}
