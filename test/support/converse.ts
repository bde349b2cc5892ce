import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { piecesOf, type Sending } from './mutation.ts';

/** No listener keeps a caller who has hung up longer than this, in milliseconds. */
const patienceMs = 15_000;

/** Sends bytes, hangs up, and resolves with all that came back; fails where the other side keeps the connection. */
export async function converse(address: string, sending: Sending): Promise<Buffer> {
  const { hostname, port } = new URL(address.includes('//') ? address : `http://${address}`);
  const socket = connect(Number(port), hostname);
  // Answers may arrive before everything was sent, and the rest is then refused.
  socket.on('error', () => {});
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')));
  for (const piece of piecesOf(sending)) {
    if (socket.writable && piece.length > 0) socket.write(piece);
    await sleep(sending.pauseMs);
  }
  if (sending.end === 'reset') socket.resetAndDestroy();
  else socket.end();
  const deadline = new AbortController();
  const late = sleep(patienceMs, 'late' as const, { signal: deadline.signal }).catch(() => 'late' as const);
  const outcome = await Promise.race([closed, late]);
  deadline.abort();
  socket.destroy();
  if (outcome === 'late')
    throw new Error(`The connection was kept for ${patienceMs} ms after its caller had hung up`);
  return Buffer.concat(chunks);
}
