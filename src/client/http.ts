import { assertWellFormed, GreetError, type GreetErrorKind } from './greet-error.ts';
import type { components, paths } from './openapi-types.ts';

export { GreetError, type GreetErrorKind, type Violation } from './greet-error.ts';
export type Greeting = components['schemas']['Greeting'];
export type Readiness = components['schemas']['Readiness'];
type Problem = components['schemas']['Problem'];

export interface HttpClientOptions {
  /** The service's base URL, such as `http://localhost:8080`. */
  readonly url: string;
  /** What calls, for those who have their own proxies or certificates. */
  readonly fetch?: typeof fetch;
  /** How long a call may take with all its attempts, in milliseconds. */
  readonly timeoutMs?: number;
  /** How often a call is tried when nobody answers, or the answer is 503. A greeting changes nothing, so it may be repeated. */
  readonly attempts?: number;
  /**
   * Puts headers into each call, as for W3C Trace Context: with OpenTelemetry's API,
   * `(carrier) => propagation.inject(context.active(), carrier)`.
   */
  readonly inject?: (carrier: Record<string, string>) => void;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Sent as `X-Request-Id`: the service logs the request under it. */
  readonly requestId?: string;
}

export interface HttpClient {
  /** @throws {GreetError} */
  greet(name: string, options?: CallOptions): Promise<Greeting>;
  /** What `/readyz` says, whether that is ready or not. @throws {GreetError} */
  readiness(options?: CallOptions): Promise<Readiness>;
}

/** A client over HTTP, for Node and for browsers: it imports nothing but its own files. Types are the OpenAPI document's. */
export function createHttpClient({
  url,
  fetch = globalThis.fetch,
  timeoutMs = 5_000,
  attempts = 3,
  inject,
}: HttpClientOptions): HttpClient {
  const base = url.replace(/\/+$/, '');

  const send = async (
    path: string,
    { signal, requestId }: CallOptions,
    deadline: AbortSignal,
  ): Promise<Response> => {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (requestId !== undefined) headers['x-request-id'] = requestId;
    inject?.(headers);
    try {
      return await fetch(base + path, {
        headers,
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
    } catch (cause) {
      if (signal?.aborted) throw new GreetError('cancelled', 'The call was cancelled.', { cause });
      if (deadline.aborted)
        throw new GreetError('timeout', `${base} did not answer within ${timeoutMs} ms.`, { cause });
      throw new GreetError('unavailable', `${base} cannot be reached.`, { cause });
    }
  };

  return {
    async greet(name, options = {}) {
      assertWellFormed(name);
      const deadline = AbortSignal.timeout(timeoutMs);
      for (let attempt = 1; ; attempt += 1) {
        try {
          const response = await send(`${greetPath}?name=${encodeURIComponent(name)}`, options, deadline);
          if (response.status !== 200) throw await toGreetError(response);
          return (await response.json()) as Greeting;
        } catch (error) {
          const isWorthRetrying = error instanceof GreetError && error.kind === 'unavailable';
          if (!isWorthRetrying || attempt >= attempts) throw error;
        }
        // Full jitter, so that clients that failed together do not come back together.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 50 * 2 ** attempt));
      }
    },
    async readiness(options = {}) {
      const response = await send(readinessPath, options, AbortSignal.timeout(timeoutMs));
      const isAnswer = response.status === 200 || response.status === 503;
      if (!isAnswer || !hasType(response, 'application/json')) throw await toGreetError(response);
      return (await response.json()) as Readiness;
    },
  };
}

const greetPath = '/greet' satisfies keyof paths;
const readinessPath = '/readyz' satisfies keyof paths;

async function toGreetError(response: Response): Promise<GreetError> {
  const requestId = response.headers.get('x-request-id') ?? undefined;
  if (!hasType(response, 'application/problem+json')) {
    const message = `${response.url.split('?')[0]} answered ${response.status}, which is not an answer of greet.`;
    return new GreetError(kindOf(response.status), message, { requestId });
  }
  const { detail, errors = [] } = (await response.json()) as Problem;
  return new GreetError(kindOf(response.status), detail, { violations: errors, requestId });
}

function kindOf(status: number): GreetErrorKind {
  if (status === 400) return 'invalid';
  if (status === 503) return 'unavailable';
  if (status === 504) return 'timeout';
  return status >= 400 && status < 500 ? 'refused' : 'failed';
}

function hasType(response: Response, type: string): boolean {
  return response.headers.get('content-type')?.startsWith(type) ?? false;
}
