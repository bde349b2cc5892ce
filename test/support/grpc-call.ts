import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import { setImmediate } from 'node:timers/promises';

/** The response: headers and trailers together, the body, and the error code of the stream. */
export interface CallAnswer {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly rstCode: number | undefined;
}

/** A gRPC call without a gRPC library: its headers may replace those of a real call, and each chunk is a DATA frame. */
export async function callByHand(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  chunks: readonly Buffer[],
  { isEnded = true } = {},
): Promise<CallAnswer> {
  const all = {
    ':method': 'POST',
    ':path': '/greet.GreetService/Greet',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  };
  const stream = session.request(
    Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  );
  let received: Record<string, unknown> = {};
  const take = (more: object) => {
    received = { ...received, ...more };
  };
  const body: Buffer[] = [];
  const closed = new Promise((resolve) => stream.on('error', () => {}).once('close', resolve));
  stream.on('response', take).on('trailers', take);
  stream.on('data', (chunk: Buffer) => body.push(chunk));
  for (const chunk of chunks) {
    if (stream.writable) stream.write(chunk);
    await setImmediate();
  }
  if (isEnded && stream.writable) stream.end();
  await closed;
  return { headers: received, body: Buffer.concat(body), rstCode: stream.rstCode };
}
