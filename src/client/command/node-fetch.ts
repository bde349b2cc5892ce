import * as http from 'node:http';
import * as https from 'node:https';
import { Readable } from 'node:stream';

interface NodeFetchOptions {
  /** Whether calls go through the proxy that the environment names, where Node is told to heed it. */
  readonly useProxy: boolean;
  readonly ca?: Buffer | undefined;
  readonly rejectUnauthorized?: boolean;
}

/** A `fetch` for GET with TLS options: Node's own takes authorities, and proxies, from the environment alone. */
export function createNodeFetch({ useProxy, ...tls }: NodeFetchOptions): typeof fetch {
  return (target, { headers, signal } = {}) => {
    const url = new URL(String(target));
    const { request, Agent } = url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      request(url, {
        ...tls,
        // The global agent knows the proxies; one of our own does not.
        ...(!useProxy && { agent: new Agent() }),
        headers: Object.fromEntries(new Headers(headers)),
        signal: signal ?? undefined,
      })
        .on('response', (response) => resolve(toResponse(response)))
        .on('error', reject)
        // Node closes a connection that is switched to another protocol, and reports nothing else.
        .on('close', () => reject(new Error('the connection was closed')))
        .end();
    });
  };
}

/** Statuses whose answers have no body, so that none may be given to a Response. */
const withoutBody = [204, 205, 304];

async function toResponse(message: http.IncomingMessage): Promise<Response> {
  const { statusCode: status = 0, headers } = message;
  if (status < 200 || status > 599) throw new Error(`${status} is not a status of an HTTP response`);
  const body = withoutBody.includes(status) ? null : (Readable.toWeb(message) as ReadableStream<Uint8Array>);
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return new Response(body, { status, headers: pairs });
}
