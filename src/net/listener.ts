import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bindAll } from './bind.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from './http1/server.ts';

export interface ListenerOptions extends HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port, the same on every address of the host. */
  readonly port: number;
}

export interface Listener extends Pick<HttpServer, 'close' | 'closeNow'> {
  readonly port: number;
  /** Its URL, as seen from this machine. */
  readonly url: string;
}

/**
 * Listens for HTTP on every address of the host.
 *
 * @throws the system's error, such as EADDRINUSE, with nothing left listening.
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  let { host } = options;
  const servers: HttpServer[] = [];
  let { port } = options;
  try {
    host = await bindAll(host, async (address) => {
      const created = createHttpServer(options);
      try {
        await listen(created.server, address, port);
      } catch (error) {
        // Stops the server's timers.
        await created.close();
        throw error;
      }
      servers.push(created);
      ({ port } = created.server.address() as AddressInfo);
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
