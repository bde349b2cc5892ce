import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Linux gives ports from here on to clients. */
const firstEphemeral = 32_768;

/** A port of 127.0.0.1 that is free now, and that the system will not give to a client meanwhile. */
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
