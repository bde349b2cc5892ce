export interface Response {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]+$/;
const headerLine = /^([!#$%&'*+.^_`|~\w-]+): ?([\t -~\u0080-\u00ff]*)$/;

/**
 * Parses all responses of a connection (RFC 9112). Throws if one is malformed.
 *
 * @param isHead true if the responses are to HEAD. If it is not given, a response without its body counts as one to HEAD.
 */
export function parseResponses(bytes: Buffer, isHead?: boolean): readonly Response[] {
  const responses: Response[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) throw new Error(`A response's headers have no end: ${show(rest)}`);
    const { status, headers } = readHead(rest.toString('latin1', 0, end));
    rest = rest.subarray(end + 4);
    const hasBody = status >= 200 && status !== 204 && status !== 304;
    const length = lengthOf(status, headers);
    const hasNoBody = isHead ?? (rest.length === 0 || rest.toString('latin1', 0, 9) === 'HTTP/1.1 ');
    const size = !hasBody || hasNoBody ? 0 : length;
    if (size > rest.length)
      throw new Error(`A body of ${size} bytes has only ${rest.length} of them: ${show(rest)}`);
    responses.push({ status, headers, body: rest.toString('utf8', 0, size) });
    rest = rest.subarray(size);
  }
  return responses;
}

function readHead(text: string): Pick<Response, 'status' | 'headers'> {
  const [first = '', ...lines] = text.split('\r\n');
  const status = statusLine.exec(first)?.[1];
  if (status === undefined) throw new Error(`Not a status line: ${JSON.stringify(first)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = headerLine.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '') throw new Error(`Not a header: ${JSON.stringify(line)}`);
    if (key in headers) throw new Error(`A repeated header: ${line}`);
    headers[key] = value;
  }
  return { status: Number(status), headers };
}

/** The service sends no chunked body, and none without a length. */
function lengthOf(status: number, headers: Response['headers']): number {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined) throw new Error('The body was sent in chunks');
  if (status >= 200 && status !== 304 && !/^\d+$/.test(length ?? ''))
    throw new Error(`${status} has no Content-Length`);
  return Number(length ?? 0);
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 300));
}
