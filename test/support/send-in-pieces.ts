import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { piecesOf, type Sending } from './mutation.ts';

/** The longest time that an HTTP listener may keep a connection after the client has closed it, in milliseconds. */
const closeTimeoutMs = 15_000;

/** Sends the bytes, closes the connection, and resolves with all received bytes. Throws if the server does not close its side. */
export async function sendInPieces(url: string, sending: Sending): Promise<Buffer> {
  const { received, isClosed } = await exchangeBytes(url, sending, closeTimeoutMs);
  if (!isClosed)
    throw new Error(`The server kept the connection for ${closeTimeoutMs} ms after the client had closed it`);
  return received;
}

/** The same for a server that may wait for more data. It closes the connection after this many milliseconds. */
export async function sendInPiecesBriefly(url: string, sending: Sending, waitMs: number): Promise<Buffer> {
  return (await exchangeBytes(url, sending, waitMs)).received;
}

async function exchangeBytes(url: string, sending: Sending, waitMs: number) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The server may respond before it has read everything, and refuse the rest.
  socket.on('error', () => {});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = new Promise<true>((resolve) => socket.once('close', () => resolve(true)));
  for (const piece of piecesOf(sending)) {
    if (socket.writable && piece.length > 0) socket.write(piece);
    await sleep(sending.pauseMs);
  }
  if (sending.end === 'reset') socket.resetAndDestroy();
  else socket.end();
  const stop = new AbortController();
  const timeout = sleep(waitMs, false, { signal: stop.signal }).catch(() => false);
  const isClosed = await Promise.race([closed, timeout]);
  stop.abort();
  socket.destroy();
  return { received: Buffer.concat(chunks), isClosed };
}
