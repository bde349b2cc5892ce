import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '../../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../../support/tls.ts';

/** With TLS 1.2 and an RSA key, OpenSSL would also offer suites that RFC 9325, section 4, advises against. */
describe.each(['http', 'grpc'] as const)('the cipher suites of TLS 1.2 over %s', (transport) => {
  let folder: TlsFolder;
  let service: TestService;
  beforeAll(async () => {
    folder = await createTlsFolder();
    const { cert, key } = folder.authority.issue('localhost', { keyType: 'rsa' });
    await Promise.all([writeFile(folder.env.TLS_CERT_FILE, cert), writeFile(folder.env.TLS_KEY_FILE, key)]);
    service = await startTestService(folder.env);
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  const connect = (ciphers: string) =>
    connectTls(service.urls[transport], {
      ca: folder.authority.cert,
      ALPNProtocols: ['h2'],
      maxVersion: 'TLSv1.2',
      // The client would refuse some of them by default.
      ciphers: `${ciphers}:@SECLEVEL=0`,
    });

  it.each(['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'])(
    'include %s',
    async (name) => {
      const socket = await connect(name);
      expect(socket.getCipher().name).toBe(name);
      socket.destroy();
    },
  );

  it.each([
    ['AES128-GCM-SHA256', 'no forward secrecy'],
    ['AES256-GCM-SHA384', 'no forward secrecy'],
    ['AES128-SHA', 'no forward secrecy, CBC'],
    ['AES256-SHA256', 'no forward secrecy, CBC'],
    ['ECDHE-RSA-AES128-SHA', 'CBC'],
    ['ECDHE-RSA-AES128-SHA256', 'CBC'],
    ['ECDHE-RSA-AES256-SHA384', 'CBC'],
    ['DHE-RSA-AES128-SHA256', 'CBC'],
  ])('do not include %s: %s', async (name) => {
    await expect(connect(name)).rejects.toThrow(/handshake failure/);
  });
});
