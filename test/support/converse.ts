import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { piecesOf, type Sending } from './mutation.ts';

/** No HTTP listener keeps a caller who has hung up longer than this, in milliseconds. */
const patienceMs = 15_000;

/** Sends bytes, hangs up, and resolves with all that came back; fails where the other side keeps the connection. */
export async function converse(url: string, sending: Sending): Promise<Buffer> {
  const { received, isClosed } = await exchangeBytes(url, sending, patienceMs);
  if (!isClosed) throw new Error(`The connection was kept for ${patienceMs} ms after its caller had hung up`);
  return received;
}

/** The same, for a listener that may wait for the rest of what it is owed: leaves after so many milliseconds. */
export async function converseBriefly(url: string, sending: Sending, waitMs: number): Promise<Buffer> {
  return (await exchangeBytes(url, sending, waitMs)).received;
}

async function exchangeBytes(url: string, sending: Sending, waitMs: number) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // Answers may arrive before everything was sent, and the rest is then refused.
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
  const late = sleep(waitMs, false, { signal: stop.signal }).catch(() => false);
  const isClosed = await Promise.race([closed, late]);
  stop.abort();
  socket.destroy();
  return { received: Buffer.concat(chunks), isClosed };
}
