import { connect } from 'node:net';

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From the connection's start to its end, in milliseconds. */
  readonly tookMs: number;
}

/** Sends bytes as they are and reads until the other side closes; the first response is parsed, where there is one. */
export async function exchange(url: string, ...pieces: (string | Buffer)[]): Promise<RawResponse> {
  const { hostname, port } = new URL(url);
  const startedAt = performance.now();
  const socket = connect(Number(port), hostname);
  // Answers may arrive before everything was sent, and the rest of what we send is then refused.
  socket.on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return { ...parse(Buffer.concat(chunks).toString()), tookMs: performance.now() - startedAt };
}

function parse(text: string): Omit<RawResponse, 'tookMs'> {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') };
}
