import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient, type TlsOptions } from '../../src/client/exports.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { errorOf, withTimeout } from './error-of.ts';

// An IP address is not sent as the server name in a handshake: RFC 6066, section 3, forbids it, and Node 26 refuses it.
describe('the gRPC client over TLS to an IP address', () => {
  let folder: TlsFolder;
  let service: TestService;
  let port: string | undefined;
  beforeAll(async () => {
    folder = await createTlsFolder();
    service = await startTestService({ ...folder.env, HOST: '127.0.0.1' });
    port = service.urls.grpc.split(':').at(-1);
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  const clientOf = (address: string, tls: TlsOptions, timeoutMs = 20_000) =>
    createGrpcClient({ address, tls, timeoutMs });

  it.each(['127.0.0.1', 'ipv4:127.0.0.1', 'dns:///127.0.0.1', 'localhost'])('greets %s', async (host) => {
    const client = clientOf(`${host}:${port}`, { ca: folder.authority.cert });
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    client.close();
  });

  it.each([
    [
      'for other names only',
      '127.0.0.2',
      () => folder.authority.cert,
      /does not match certificate's altnames/,
    ],
    ['of an unknown authority', '127.0.0.1', () => undefined, /unable to verify the first certificate/],
  ])('refuses a certificate %s, unless rejectUnauthorized is false', async (_title, host, ca, message) => {
    const server = createSecureServer(folder.authority.issue('other'));
    server.on('stream', (stream) =>
      stream.respond(
        { ':status': 200, 'grpc-status': '5', 'content-type': 'application/grpc' },
        { endStream: true },
      ),
    );
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = `${host}:${(server.address() as AddressInfo).port}`;
    await withTimeout(async (timeoutMs) => {
      const client = clientOf(address, { ca: ca() }, timeoutMs);
      const error = await errorOf(client.greet('Alice'));
      client.close();
      expect(error.kind).toBe('timeout');
      return message.test(error.message);
    });
    const client = clientOf(address, { ca: ca(), rejectUnauthorized: false });
    expect((await errorOf(client.greet('Alice'))).kind).toBe('refused');
    client.close();
    server.close();
  });
});
