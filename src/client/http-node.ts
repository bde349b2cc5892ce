import {
  createHttpClient as createUncheckedClient,
  type HttpClient,
  type HttpClientOptions,
} from './http.ts';
import {
  checkCallOptions,
  checkClientOptions,
  checkFunction,
  describe,
  withoutSecrets,
} from './option-checks.ts';

export * from './http.ts';

/**
 * The HTTP client, with its options checked at run time. Browsers get it without the checks, which halves its size.
 *
 * @throws {TypeError} for options that are not valid. Every later failure rejects its call with a GreetError.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  checkUrl(options?.url);
  checkClientOptions(options, 10);
  checkFunction('fetch', options.fetch);
  const client = createUncheckedClient(options);
  return {
    async greet(name, callOptions) {
      checkCallOptions(callOptions);
      return client.greet(name, callOptions);
    },
    async readiness(callOptions) {
      checkCallOptions(callOptions);
      return client.readiness(callOptions);
    },
  };
}

const expected = 'url: expected an HTTP URL such as http://localhost:8080';

/** The message never shows a password or a query, which may hold a token. */
function checkUrl(url: unknown): void {
  if (typeof url !== 'string' && !(url instanceof URL))
    throw new TypeError(`${expected}, got ${describe(url)}`);
  const shown = describe(withoutSecrets(String(url)));
  const found = URL.canParse(String(url)) ? new URL(url) : undefined;
  if (found?.protocol !== 'http:' && found?.protocol !== 'https:')
    throw new TypeError(`${expected}, got ${shown}`);
  if (found.username || found.password || found.search || found.hash)
    throw new TypeError(`${expected}, without credentials, query or fragment, got ${shown}`);
}
