/** Reads the name from the query with Node's own modules. */
export const nameOf = ({ url }) => new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('name');

/** Greets with Node's own modules and no other feature. */
export function answer(request, response) {
  const body = `Hello, ${nameOf(request)}`;
  response
    .writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}
