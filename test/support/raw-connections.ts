import { connect, type Socket } from 'node:net';

interface ConnectionOptions {
  /** False for a client that never reads what the server sends. */
  readonly isReading?: boolean;
  /** True for a client that does not close its side when the server closes its own. */
  readonly allowHalfOpen?: boolean;
}

/** TCP connections to one address that stay open until the server or {@link RawConnections.close} closes them. */
export class RawConnections {
  readonly sockets: Socket[] = [];
  readonly #port: number;

  /** @param url a URL, or an address such as `localhost:50051`. */
  constructor(url: string) {
    this.#port = Number(new URL(url.includes('//') ? url : `http://${url}`).port);
  }

  /** Opens another connection and sends the bytes on it. */
  open(
    bytes: string | Buffer = '',
    { isReading = true, allowHalfOpen = false }: ConnectionOptions = {},
  ): Socket {
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen });
    socket.on('error', () => {});
    if (isReading) socket.resume();
    else socket.pause();
    if (bytes.length > 0) socket.write(bytes);
    this.sockets.push(socket);
    return socket;
  }

  get openCount(): number {
    return this.sockets.filter((socket) => !socket.closed && !socket.destroyed).length;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}

/** Repeats the step until the signal is aborted, with a pause after each one. */
export async function repeatUntil(
  signal: AbortSignal,
  pauseMs: number,
  step: () => void | Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await step();
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
