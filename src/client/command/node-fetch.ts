import * as http from 'node:http';
import * as https from 'node:https';
import { Readable } from 'node:stream';

interface NodeFetchOptions {
  /** True if calls use the proxy of the environment. Node does so only if it is told to (`NODE_USE_ENV_PROXY`). */
  readonly useProxy: boolean;
  readonly ca?: Buffer | undefined;
  readonly rejectUnauthorized?: boolean;
}

/** A `fetch` for GET with TLS options. Node's own `fetch` reads authorities and proxies only from the environment. */
export function createNodeFetch({ useProxy, ...tls }: NodeFetchOptions): typeof fetch {
  return (target, { headers, signal } = {}) => {
    const url = new URL(String(target));
    const { request, Agent } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      request(url, {
        ...tls,
        // The global agent uses the proxies; a new agent does not.
        ...(!useProxy && { agent: new Agent() }),
        headers: Object.fromEntries(new Headers(headers)),
        signal: signal ?? undefined,
      })
        .on('response', (response) => resolve(toResponse(response)))
        .on('error', reject)
        // If the server switches to another protocol, Node closes the connection and emits no other event.
        .on('close', () => reject(new Error('the connection was closed')))
        .end();
    });
  };
}

/** Responses with these statuses have no body, and `Response` throws if it is given one. */
const withoutBody = [204, 205, 304];

async function toResponse(message: http.IncomingMessage): Promise<Response> {
  const { statusCode: status = 0, headers } = message;
  if (status < 200 || status > 599) throw new Error(`${status} is not a status of an HTTP response`);
  const body = withoutBody.includes(status) ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>);
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Response(body, { status, headers: pairs });
}
