import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { greetService } from '../../src/grpc/contract.ts';
import { createAuthority, type Pair } from '../support/certificates.ts';
import { grpcClientOf } from '../support/clients.ts';
import { patientLimits, startTestService, type TestService, until } from '../support/service.ts';
import { connectTls, createTlsFolder, servedName, type TlsFolder } from '../support/tls.ts';

const limits = { ...patientLimits, certificateIntervalMs: 20 };

/** One call over a new connection, which fails at once if there is none: the greeting, or the error. */
async function greetOnce(
  { urls }: TestService,
  { ca, caller }: { ca?: string | undefined; caller?: Pair | undefined } = {},
): Promise<string | ServiceError> {
  const client = new Client(
    urls.grpc,
    ca === undefined
      ? credentials.createInsecure()
      : credentials.createSsl(
          ca === '' ? null : Buffer.from(ca),
          caller ? Buffer.from(caller.key) : null,
          caller ? Buffer.from(caller.cert) : null,
        ),
    // Each client has a connection of its own.
    { 'grpc.use_local_subchannel_pool': 1 },
  );
  const { path, requestSerialize, responseDeserialize } = greetService.Greet;
  try {
    return await new Promise((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { message: 'Alice' },
        (error, response) => resolve(error ?? response?.message ?? ''),
      );
    });
  } finally {
    client.close();
  }
}

const refused = expect.objectContaining({ code: status.UNAVAILABLE });

describe('gRPC over TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  const clients: { close(): void }[] = [];
  beforeAll(async () => {
    folder = await createTlsFolder();
    service = await startTestService(folder.env, limits);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });
  const open = () => {
    const client = grpcClientOf(service, { tls: { ca: Buffer.from(folder.authority.cert) }, attempts: 1 });
    clients.push(client);
    return client;
  };

  it('serves greetings and health to clients that trust its authority', async () => {
    const client = open();
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    expect(await client.health()).toBe('SERVING');
  });

  it.each([
    ['trust another authority', () => createAuthority('Other').cert],
    ["trust Node's own authorities", () => ''],
    ['speak clear text', () => undefined],
  ])('serves no clients that %s', async (_title, authority) => {
    expect(await greetOnce(service, { ca: authority() })).toEqual(refused);
  });

  it('refuses TLS 1.1, and accepts 1.2 and 1.3', async () => {
    const ca = folder.authority.cert;
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(connectTls(service.urls.grpc, { ca, ALPNProtocols: ['h2'], ...old })).rejects.toThrow(
      /protocol version/,
    );
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { ca, ALPNProtocols: ['h2'], minVersion: version, maxVersion: version };
      const socket = await connectTls(service.urls.grpc, options);
      expect(socket.getProtocol()).toBe(version);
      socket.destroy();
    }
  });

  it('presents a renewed certificate to new connections, and keeps open ones', async () => {
    const ca = folder.authority.cert;
    const client = open();
    await client.greet('Alice');
    const socket = await connectTls(service.urls.grpc, { ca, ALPNProtocols: ['h2'] });
    await folder.renew('renewed');
    await until(async () => (await servedName(service.urls.grpc, ca)) === 'renewed');
    for (const address of ['127.0.0.1', '[::1]'])
      expect(
        await servedName(service.urls.grpc.replace('localhost', address), ca).catch(() => 'renewed'),
      ).toBe('renewed');
    expect(socket.destroyed).toBe(false);
    socket.destroy();
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
  });
});

describe('gRPC over mutual TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  beforeAll(async () => {
    folder = await createTlsFolder();
    service = await startTestService({ ...folder.env, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile }, limits);
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  const greetAs = (caller: Pair | undefined) => greetOnce(service, { ca: folder.authority.cert, caller });

  it('serves clients whose certificate its authority has signed', async () => {
    expect(await greetAs(folder.authority.issue('caller'))).toBe('Hello, Alice');
  });

  it.each<[string, () => Pair | undefined]>([
    ['without a certificate', () => undefined],
    ['with a certificate of another authority', () => createAuthority('Other').issue('caller')],
    [
      'with a certificate of another authority of the same name',
      () => createAuthority('Test authority').issue('caller'),
    ],
    [
      'with an expired certificate',
      () => folder.authority.issue('caller', { validTo: new Date(Date.now() - 60_000) }),
    ],
  ])('refuses a client %s', async (_title, caller) => {
    expect(await greetAs(caller())).toEqual(refused);
  });

  it('asks for no certificate over HTTP', async () => {
    expect(await servedName(service.urls.http, folder.authority.cert)).toBe('first');
  });

  it('checks clients by the renewed authority file, also those that resume a session', async () => {
    const before = folder.authority.issue('caller');
    const after = createAuthority('Next authority');
    const options = { ca: folder.authority.cert, ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' as const };
    const first = await connectTls(service.urls.grpc, { ...options, ...before });
    const session = first.getSession();
    first.destroy();
    const resumed = await connectTls(service.urls.grpc, { ...options, ...before, session });
    expect(resumed.isSessionReused()).toBe(true);
    resumed.destroy();
    await writeFile(folder.clientCaFile, after.cert);
    await until(async () => (await greetAs(after.issue('caller'))) === 'Hello, Alice');
    expect(await greetAs(before)).toEqual(refused);
    // The handshake fails, or the connection is closed right after it.
    const socket = await connectTls(service.urls.grpc, { ...options, ...before, session }).catch(
      () => undefined,
    );
    if (socket) await once(socket.on('error', () => {}).resume(), 'close');
  });
});
