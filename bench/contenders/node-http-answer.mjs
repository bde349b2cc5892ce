/** The name that a request asks to greet, by what Node itself has. */
export const nameOf = ({ url }) => new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('name');

/** Greets by what Node itself has, and nothing else. */
export function answer(request, response) {
  const body = `Hello, ${nameOf(request)}`;
  response
    .writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}
