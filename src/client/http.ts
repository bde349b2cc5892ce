import { underDeadline } from './deadline.ts';
import { assertName, toGreetError } from './greet-error.ts';
import { errorOf, isText, readJson, readRetryAfter, unavailable } from './http-answer.ts';
import type { CallOptions, ClientOptions } from './options.ts';
import type { Greeting, Readiness } from './types.ts';

export { GreetError, type GreetErrorKind } from './greet-error.ts';
export type { CallOptions } from './options.ts';
export type { Greeting, Problem, Readiness, Violation } from './types.ts';

export interface HttpClientOptions extends ClientOptions {
  /** The base URL of the service, such as `http://localhost:8080`; a path is kept. Without credentials, query or fragment. */
  readonly url: string | URL;
  /** Used instead of the global `fetch`, for instance for a proxy or certificates of your own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface HttpClient {
  /** @throws {GreetError} */
  greet(name: string, options?: CallOptions): Promise<Greeting>;
  /** Asks `/readyz`, without retries. A service that is not ready is a result, not an error. @throws {GreetError} */
  readiness(options?: CallOptions): Promise<Readiness>;
}

/**
 * A client over HTTP, for Node and for browsers: it imports only its own files. It retries while the service is unavailable, waits
 * as long as `Retry-After` asks, and does not follow redirects.
 *
 * @throws {TypeError} for a URL that is not valid. Every later failure rejects its call with a GreetError.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = `${options?.url}`.replace(/\/+$/, '');
  // The message does not show the value, which may hold a password.
  if (!/^https?:\/\/[^\s?#@]+$/i.test(base))
    throw new TypeError('url: expected http(s)://host[:port][/path]');
  const { fetch = globalThis.fetch, timeoutMs = 5_000, attempts = 3, inject } = options;

  /** Sends requests until a response is accepted, or no attempt is left. */
  const ask = <Result>(
    path: string,
    query: string,
    callOptions: CallOptions | undefined,
    maxAttempts: number,
    accept: (status: number, json: Record<string, unknown>) => Result | false | undefined,
  ) => {
    const { signal, requestId } = { ...callOptions };
    const target = base + path;
    const endsAt = Date.now() + timeoutMs;
    return underDeadline(target, timeoutMs, signal, async (stop, pause) => {
      const carrier: Record<string, string> = {};
      inject?.(carrier);
      const headers = new Headers(carrier);
      headers.set('accept', 'application/json');
      if (requestId) headers.set('x-request-id', requestId);
      for (let attempt = 1; ; attempt += 1) {
        // Full jitter, so that clients that failed together do not retry together.
        let waitMs = Math.random() * 50 * 2 ** attempt;
        let response: Response | undefined;
        try {
          response = await fetch(target + query, { headers, redirect: 'manual', signal: stop });
          const json = await readJson(response);
          const result = accept(response.status, Object(json));
          if (result) return result;
          waitMs = Math.max(waitMs, readRetryAfter(response));
          throw errorOf(response, json, target);
        } catch (cause) {
          const what = `${target} ${response ? 'broke off' : 'cannot be reached'}`;
          const error = toGreetError(unavailable, what, cause);
          // Does not wait past the deadline: the last error says more than a timeout would.
          const isLast = attempt >= maxAttempts || stop.aborted || Date.now() + waitMs > endsAt;
          if (isLast || error.kind !== unavailable) throw error;
        }
        await pause(waitMs);
      }
    });
  };

  return {
    async greet(name, callOptions) {
      assertName(name);
      return ask(
        '/greet',
        `?name=${encodeURIComponent(name)}`,
        callOptions,
        attempts,
        (status, { message }) => status === 200 && isText(message) && { message },
      );
    },
    readiness: (callOptions) =>
      ask(
        '/readyz',
        '',
        callOptions,
        1,
        (code, { status }) => states[code]?.test(status as string) && ({ status } as Readiness),
      ),
  };
}

/** The states that `/readyz` reports, by status code. */
const states: Readonly<Record<number, RegExp>> = { 200: /^ready$/, 503: /^(starting|draining)$/ };
