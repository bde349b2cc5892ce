import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Linux gives outgoing connections, and listeners on port 0, ports from this number on. */
const firstEphemeral = 32_768;

/**
 * A port of 127.0.0.1 that was just free, for programs that cannot report their port. It is below the ports that the system gives: one of
 * those could be taken in the meantime, and a client that connects to it could connect to itself.
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
