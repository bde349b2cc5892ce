import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawConnections } from '../../support/raw-connections.ts';
import { patientLimits, startTestService } from '../../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../../support/tls.ts';
import { createTlsClients } from '../../support/tls-clients.ts';

let folder: TlsFolder;
beforeAll(async () => {
  folder = await createTlsFolder();
});
afterAll(() => folder.dispose());

it('closes a connection whose handshake does not complete in time', async () => {
  const service = await startTestService(folder.env, { ...patientLimits, handshakeTimeoutMs: 50 });
  await once(new RawConnections(service.urls.http).open(), 'close');
  await service.drain();
});

it('closes a connection that does not speak TLS', async () => {
  const service = await startTestService(folder.env);
  const clear = new RawConnections(service.urls.http).open(
    'GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n',
  );
  await once(clear, 'close');
  const { sendHttp1 } = createTlsClients(service.urls.http, folder.authority.cert);
  expect((await sendHttp1('GET', '/greet?name=Alice')).status).toBe(200);
  await service.drain();
});

it('answers 408 over HTTP/1.1 to headers that are not complete in time', async () => {
  const limits = { ...patientLimits, headersTimeoutMs: 50, sweepIntervalMs: 20 };
  const service = await startTestService(folder.env, limits);
  const socket = await connectTls(service.urls.http, { ca: folder.authority.cert });
  socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: gr');
  expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1.1 408 /);
  await service.drain();
});
