import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, data, flags, frame, hello, preface, types } from '../support/http2-frames.ts';
import { patientLimits, startTestService, type TestService, until, untilRead } from '../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../support/tls.ts';

let folder: TlsFolder;
beforeAll(async () => {
  folder = await createTlsFolder();
});
afterAll(() => folder.dispose());

describe.each(['clear text', 'TLS'])('gRPC clients in %s that read nothing and do not close', (kind) => {
  const isSecure = kind === 'TLS';
  const start = (env = {}) =>
    startTestService({ ...env, ...(isSecure && folder.env) }, { ...patientLimits, sweepIntervalMs: 20 });
  /** It notices neither data nor the end of the connection. */
  const openUnresponsive = async ({ urls }: TestService): Promise<Socket> => {
    const ca = folder.authority.cert;
    const [host, port] = urls.grpc.split(/:(?=\d+$)/);
    const socket = isSecure
      ? await connectTls(urls.grpc, { ca, ALPNProtocols: ['h2'] })
      : connect(Number(port), host);
    if (!isSecure) await once(socket, 'connect');
    return socket.on('error', () => {}).pause();
  };
  /** The system answers further data with a reset once the service has closed the socket. */
  const untilGone = (socket: Socket) =>
    until(() => {
      if (!socket.destroyed) socket.write('a');
      return socket.destroyed;
    });

  it('do not hold up a drain', async () => {
    const service = await start();
    const silent = await openUnresponsive(service);
    const served = await openUnresponsive(service);
    served.write(Buffer.concat([preface, frame(types.settings), begin(0), data(0, hello, flags.endStream)]));
    await until(() => service.lines.some(({ msg }) => msg === 'call'));
    await untilRead(service);
    await service.drain();
    expect(service.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    expect(service.lines.filter(({ msg }) => msg === 'call')).toMatchObject([{ code: 'OK' }]);
    silent.destroy();
    served.destroy();
  });

  it('are disconnected soon after the maximum age of their connections', async () => {
    const service = await start({
      GRPC_MAX_CONNECTION_AGE_MS: '100',
      GRPC_MAX_CONNECTION_AGE_GRACE_MS: '100',
    });
    await untilGone(await openUnresponsive(service));
    await service.drain();
  });
});
