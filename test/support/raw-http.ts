import { connect, type Socket } from 'node:net';

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends the bytes unchanged, reads until the server closes the connection, and parses the first response, if there is one. */
export function exchange(url: string, ...pieces: (string | Buffer)[]): Promise<RawResponse> {
  const { hostname, port } = new URL(url);
  return exchangeOn(connect(Number(port), hostname), ...pieces);
}

/** The same on an open connection, such as one over TLS. */
export async function exchangeOn(socket: Socket, ...pieces: (string | Buffer)[]): Promise<RawResponse> {
  // The server may respond before it has read everything, and refuse the rest.
  socket.on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.once('close', resolve));
  return parse(Buffer.concat(chunks).toString());
}

function parse(text: string): RawResponse {
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
