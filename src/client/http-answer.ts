import { GreetError, type GreetErrorKind } from './greet-error.ts';

/** Reads a body of any JSON type; undefined if it is not JSON, or too long. Rejects if the connection breaks. */
export async function readJson({ headers, body }: Response): Promise<unknown> {
  // A missing header is null, which a regular expression reads as the text "null". That does not match.
  if (!/\bjson\b/i.test(headers.get('content-type') as string)) return;
  const reader = body?.getReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  // The service's own bodies have less than 4,000 bytes.
  for (let size = 0; size < 65_536; ) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    try {
      text += decoder.decode(value, { stream: !done });
      if (done) return JSON.parse(text);
    } catch {
      return;
    }
    size += value.length;
  }
}

/** How long `Retry-After` asks to wait, in milliseconds. It holds seconds or a date (RFC 9110, section 10.2.3). 0 if there is none. */
export function readRetryAfter({ headers }: Response): number {
  const value = headers.get('retry-after') as string;
  return Number(value) * 1_000 || Date.parse(value) - Date.now() || 0;
}

/** Builds the error for a response: problem details of the service, or a response from another server. */
export function errorOf({ status, headers }: Response, json: unknown, target: string): GreetError {
  const { detail, errors } = Object(json);
  const found = headers.get('location') ?? headers.get('content-type') ?? 'no type';
  const message = isText(detail) ? detail : `${target} answered ${status} (${found}), unlike greet.`;
  return new GreetError(kinds[status] ?? (status > 400 && status < 500 ? 'refused' : 'failed'), message, {
    violations: [errors].flat().filter((error) => isText(error?.field) && isText(error.detail)),
    requestId: headers.get('x-request-id') ?? undefined,
  });
}

/** The only kind of error that is retried. */
export const unavailable = 'unavailable';

const kinds: Readonly<Record<number, GreetErrorKind>> = {
  400: 'invalid',
  502: unavailable,
  503: unavailable,
  504: 'timeout',
};

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
