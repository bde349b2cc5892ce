/** The size of all names and values of the headers, in bytes. HTTP/2 sends the request line as headers too. */
export function headerSize(rawHeaders: readonly string[]): number {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size;
}
