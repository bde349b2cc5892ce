import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, data, flags, frame, hello, preface, types } from '../support/http2-frames.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../support/tls.ts';

let folder: TlsFolder;
beforeAll(async () => {
  folder = await createTlsFolder();
});
afterAll(() => folder.dispose());

describe.each(['clear text', 'TLS'])('gRPC callers in %s who never close', (kind) => {
  const isSecure = kind === 'TLS';
  const start = (env = {}) => startTestService({ ...env, ...(isSecure && folder.env) });
  /** It notices nothing: neither what comes nor the end. */
  const openDeaf = async ({ urls }: TestService): Promise<Socket> => {
    const ca = folder.authority.cert;
    const [host, port] = urls.grpc.split(/:(?=\d+$)/);
    const socket = isSecure
      ? await connectTls(urls.grpc, { ca, ALPNProtocols: ['h2'] })
      : connect(Number(port), host);
    if (!isSecure) await once(socket, 'connect');
    return socket.on('error', () => {}).pause();
  };
  /** Whether nobody takes what is sent any longer: the system answers it with a reset. */
  const isGone = async (socket: Socket) => {
    for (let count = 0; count < 20 && !socket.destroyed; count += 1) {
      socket.write('a');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    return socket.destroyed;
  };

  it.concurrent('hold no drain', async () => {
    const service = await start();
    const silent = await openDeaf(service);
    const served = await openDeaf(service);
    served.write(Buffer.concat([preface, frame(types.settings), begin(0), data(0, hello, flags.endStream)]));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const startedAt = performance.now();
    await service.drain();
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect(service.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    expect(service.lines.filter(({ msg }) => msg === 'call')).toMatchObject([{ code: 'OK' }]);
    silent.destroy();
    served.destroy();
  });

  it.concurrent('hold no socket beyond the age of their connections', async () => {
    const service = await start({
      GRPC_MAX_CONNECTION_AGE_MS: '500',
      GRPC_MAX_CONNECTION_AGE_GRACE_MS: '500',
    });
    const socket = await openDeaf(service);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    expect(await isGone(socket)).toBe(true);
    await service.drain();
  });
});
