import { connect, type Socket } from 'node:net';

/** Opens connections that stay until the other side or {@link Held.release} closes them. */
export class Held {
  readonly sockets: Socket[] = [];
  readonly #port: number;

  constructor(url: string) {
    this.#port = Number(new URL(url.includes('//') ? url : `http://${url}`).port);
  }

  /** One more; a deaf one reads nothing, and one that stays does not hang up when the other side does. */
  add(bytes: string | Buffer = '', { isDeaf = false, stays = false } = {}): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: stays });
    socket.on('error', () => {});
    if (isDeaf) socket.pause();
    else socket.resume();
    if (bytes.length > 0) socket.write(bytes);
    this.sockets.push(socket);
    return socket;
  }

  /** How many are still there. */
  get open(): number {
    return this.sockets.filter((socket) => !socket.closed && !socket.destroyed).length;
  }

  release(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Runs the step again and again until the signal comes, leaving time for everything else in between. */
export async function repeatUntil(
  signal: AbortSignal,
  everyMs: number,
  step: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await step();
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
