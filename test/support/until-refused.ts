import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './service.ts';

/** Waits until the listener refuses new connections. A drain closes it in its second step. */
export async function untilRefused(url: string): Promise<void> {
  const { hostname: host, port } = new URL(url.includes('://') ? url : `http://${url}`);
  await until(async () => {
    const socket = connect({ host, port: Number(port) });
    const code = await once(socket, 'connect').then(
      () => undefined,
      (error: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] }) =>
        error.code ?? error.errors?.[0]?.code,
    );
    socket.destroy();
    return code === 'ECONNREFUSED';
  });
}
