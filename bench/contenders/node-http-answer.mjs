/** Greets by what Node itself has, and nothing else. */
export function answer(request, response) {
  const name = new URLSearchParams(request.url.slice(request.url.indexOf('?') + 1)).get('name');
  const body = `Hello, ${name}`;
  response
    .writeHead(200, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    .end(body);
}
