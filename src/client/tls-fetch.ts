import { type RequestOptions, request } from 'node:https';

/** A `fetch` for GET over TLS as these options have it: Node's own reads its authorities from the environment alone. */
export function createTlsFetch(options: Pick<RequestOptions, 'ca' | 'rejectUnauthorized'>): typeof fetch {
  return (target, { headers, signal } = {}) =>
    new Promise((resolve, reject) => {
      const asked = request(
        new URL(String(target)),
        { ...options, headers: headers as Record<string, string>, signal: signal ?? undefined, agent: false },
        async (response) => {
          try {
            const chunks = await response.toArray();
            const { statusCode = 0, headers } = response;
            resolve(new Response(Buffer.concat(chunks), { status: statusCode, headers: flatten(headers) }));
          } catch (error) {
            reject(error);
          }
        },
      );
      asked.on('error', reject).end();
    });
}

function flatten(headers: Readonly<NodeJS.Dict<string | string[]>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
