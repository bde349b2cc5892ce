import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bindAll } from './bind.ts';
import { type BoundedServer, buildServer, type ServerOptions } from './http1/server.ts';

export interface ListenerOptions extends ServerOptions {
  readonly host: string;
  /** 0 takes any free port, the same on every address of the host. */
  readonly port: number;
}

export interface Listener extends Pick<BoundedServer, 'close' | 'closeNow'> {
  readonly port: number;
  /** Where it can be reached from this machine. */
  readonly url: string;
}

/**
 * Listens on every address that the host has, as `localhost` has one for each IP version.
 *
 * @throws the system's error, such as EADDRINUSE, with nothing left listening.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { host } = options;
  const servers: BoundedServer[] = [];
  let { port } = options;
  try {
    await bindAll(host, async (address) => {
      const built = buildServer(options);
      await listen(built.server, address, port);
      servers.push(built);
      ({ port } = built.server.address() as AddressInfo);
    });
  } catch (error) {
    for (const { server } of servers) server.close();
    throw error;
  }
  return {
    port,
    url: `${options.certificates ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    async close() {
      await Promise.all(servers.map((server) => server.close()));
    },
    closeNow() {
      for (const server of servers) server.closeNow();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
