import { writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createGrpcClient, type GrpcClient, type GrpcClientOptions } from '../../src/client/grpc.ts';
import { createAuthority, type Pair } from '../support/certificates.ts';
import { startTestService, type TestService, until } from '../support/service.ts';
import { connectTls, createTlsFolder, servedName, type TlsFolder } from '../support/tls.ts';

const toBuffers = ({ cert, key }: Pair) => ({ cert: Buffer.from(cert), key: Buffer.from(key) });

describe('gRPC over TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  const clients: GrpcClient[] = [];
  beforeAll(async () => {
    folder = await createTlsFolder();
    service = await startTestService(folder.env);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });
  const open = (tls: GrpcClientOptions['tls'], to = service) => {
    const client = createGrpcClient({ address: to.urls.grpc, tls, timeoutMs: 2_000, attempts: 1 });
    clients.push(client);
    return client;
  };

  it('greets, and tells its health, to whom its authority is known', async () => {
    const client = open({ ca: Buffer.from(folder.authority.cert) });
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    expect(await client.health()).toBe('SERVING');
  });

  it('is not believed by others, and does not answer in clear text', async () => {
    await expect(open({ ca: Buffer.from(createAuthority('Other').cert) }).greet('Alice')).rejects.toThrow();
    await expect(open(undefined).greet('Alice')).rejects.toThrow();
    await expect(open({}).greet('Alice')).rejects.toThrow();
  });

  it('refuses TLS 1.1, and takes 1.2 and 1.3', async () => {
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

  it('shows a new certificate to new connections, and goes on with the old ones', async () => {
    const ca = folder.authority.cert;
    const client = open({ ca: Buffer.from(ca) });
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
    service = await startTestService({ ...folder.env, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile });
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  const greetAs = async (caller: Pair | undefined) => {
    const client = createGrpcClient({
      address: service.urls.grpc,
      tls: { ca: Buffer.from(folder.authority.cert), ...(caller && toBuffers(caller)) },
      timeoutMs: 1_500,
      attempts: 1,
    });
    try {
      return (await client.greet('Alice')).message;
    } catch {
      return 'refused';
    } finally {
      client.close();
    }
  };

  it('greets those whose certificate its authority signed, and nobody else', async () => {
    const stranger = createAuthority('Other').issue('caller');
    const impostor = createAuthority('Test authority').issue('caller');
    const outdated = folder.authority.issue('caller', { validTo: new Date(Date.now() - 60_000) });
    expect(await greetAs(folder.authority.issue('caller'))).toBe('Hello, Alice');
    expect(await Promise.all([undefined, stranger, impostor, outdated].map(greetAs))).toEqual(
      Array(4).fill('refused'),
    );
  });

  it('asks no certificate of callers over HTTP', async () => {
    expect(await servedName(service.urls.http, folder.authority.cert)).toBe('first');
  });

  it('checks clients by the authority that is in the file now, also those who resume a session', async () => {
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
    expect(await greetAs(before)).toBe('refused');
    await expect(
      connectTls(service.urls.grpc, { ...options, ...before, session }).then(
        (socket) =>
          new Promise((_, reject) => socket.on('error', reject).on('close', () => reject(new Error('cut')))),
      ),
    ).rejects.toThrow();
  });
});
