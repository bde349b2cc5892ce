export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]+$/;
const headerLine = /^([!#$%&'*+.^_`|~\w-]+): ?([\t -~\u0080-\u00ff]*)$/;

/**
 * The answers on a connection, read to its end (RFC 9112). Fails where they are not well-formed.
 *
 * @param isHead whether an answer is to HEAD; where it is not known, a body that is not there is taken for such a one's.
 */
export function readAnswers(bytes: Buffer, isHead?: boolean): readonly Answer[] {
  const answers: Answer[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) throw new Error(`An answer's head has no end: ${show(rest)}`);
    const { status, headers } = readHead(rest.toString('latin1', 0, end));
    rest = rest.subarray(end + 4);
    const hasBody = status >= 200 && status !== 204 && status !== 304;
    const length = lengthOf(status, headers);
    const isLeftOut = isHead ?? (rest.length === 0 || rest.toString('latin1', 0, 9) === 'HTTP/1.1 ');
    const size = !hasBody || isLeftOut ? 0 : length;
    if (size > rest.length) throw new Error(`A body of ${size} bytes has only ${rest.length}: ${show(rest)}`);
    answers.push({ status, headers, body: rest.toString('utf8', 0, size) });
    rest = rest.subarray(size);
  }
  return answers;
}

function readHead(text: string): Pick<Answer, 'status' | 'headers'> {
  const [first = '', ...lines] = text.split('\r\n');
  const status = statusLine.exec(first)?.[1];
  if (status === undefined) throw new Error(`This is no status line: ${JSON.stringify(first)}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = headerLine.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '') throw new Error(`This is no header: ${JSON.stringify(line)}`);
    if (key in headers) throw new Error(`A header comes twice: ${line}`);
    headers[key] = value;
  }
  return { status: Number(status), headers };
}

/** Nothing here is sent in chunks, or until the connection ends: every body has a length. */
function lengthOf(status: number, headers: Answer['headers']): number {
  const length = headers['content-length'];
  if (headers['transfer-encoding'] !== undefined) throw new Error('A body was sent in chunks');
  if (status >= 200 && status !== 304 && !/^\d+$/.test(length ?? ''))
    throw new Error(`${status} has no length`);
  return Number(length ?? 0);
}

function show(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1', 0, 300));
}
