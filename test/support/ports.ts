import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** The first port that Linux gives to callers and to those who do not care. */
const firstEphemeral = 32_768;

/**
 * A port of 127.0.0.1 that was free a moment ago, for programs that cannot be asked which one they took. It is none of those that
 * the system gives away: such a one could be gone by then, and a caller who tries whether it is served could connect to itself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, firstEphemeral);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
