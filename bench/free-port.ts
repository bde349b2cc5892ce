import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Linux gives outgoing connections ports from this number on. */
const firstEphemeral = 32_768;

/** A free port of 127.0.0.1 that the system will not give to an outgoing connection. */
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
