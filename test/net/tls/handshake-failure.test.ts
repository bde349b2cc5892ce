import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTlsSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority } from '../../support/certificates.ts';
import { shortLimits, startTestService, type TestService, until } from '../../support/service.ts';
import { connectTls, createTlsFolder, type TlsFolder } from '../../support/tls.ts';

/** A ClientHello of TLS 1.2, where alerts are in clear text. Node's own client closes the connection instead of sending an alert. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(chunk);
        done();
      },
    });
    connectTlsSocket({ socket, maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }).on('error', () => {});
  });
}

describe.each(['http', 'grpc'] as const)('a TLS handshake that fails, over %s', (listener) => {
  let folder: TlsFolder;
  let service: TestService;
  beforeAll(async () => {
    folder = await createTlsFolder();
    const env = { ...folder.env, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile };
    service = await startTestService(env, shortLimits);
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  const target = () => new URL(listener === 'http' ? service.urls.http : `https://${service.urls.grpc}`);
  const counted = async () => {
    const text = await (await fetch(`${service.urls.admin}/metrics`)).text();
    const samples = text.matchAll(/^greet_tls_handshakes_failed_total\{(.*)\} (\d+)$/gm);
    return new Map(Array.from(samples, ([, labels = '', count]) => [labels, Number(count)] as const));
  };
  const logged = () => service.lines.filter(({ msg }) => msg === 'TLS handshake failed');
  /** Expects that one failure with this reason and no other is counted and logged. */
  const expectFailure = async (reason: string, fail: () => Promise<unknown>) => {
    const before = { counts: await counted(), lines: logged().length };
    await fail();
    await until(() => logged().length > before.lines);
    expect(logged().slice(before.lines)).toEqual([
      {
        level: 'debug',
        time: expect.any(String),
        listener,
        reason,
        errorCode: expect.stringMatching(/^E[A-Z]/),
        msg: 'TLS handshake failed',
      },
    ]);
    const changed = [...(await counted())].filter(([labels, count]) => count !== before.counts.get(labels));
    const label = `listener="${listener}",reason="${reason}"`;
    expect(changed).toEqual([[label, (before.counts.get(label) ?? Number.NaN) + 1]]);
  };
  const sendBytes = async (bytes: string | Buffer, isEnded = true) => {
    const { port } = target();
    const socket = connect(Number(port), 'localhost').on('error', () => {});
    if (isEnded) socket.end(bytes);
    else socket.write(bytes);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
  };
  const refused = (options: Parameters<typeof connectTls>[1]) => async () => {
    const socket = await connectTls(target().href, { ALPNProtocols: ['h2'], ...options }).catch(
      () => undefined,
    );
    if (socket === undefined) return;
    // Over TLS 1.3 the client gets the error after its own handshake.
    await once(socket.on('error', () => {}).resume(), 'close').catch(() => {});
  };

  it.each([
    ['HTTP/1.1', 'GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n\r\n'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a proxy request', 'CONNECT greet:443 HTTP/1.1\r\n\r\n'],
    ['noise', Buffer.alloc(64, 0xaa)],
  ])('is reported as not-tls: %s in clear text', async (_title, bytes) => {
    await expectFailure('not-tls', () => sendBytes(bytes, false));
  });

  it('is reported as closed: a connection without any data', async () => {
    await expectFailure('closed', () => sendBytes(''));
  });

  it('is reported as timeout: a handshake that does not complete', async () => {
    await expectFailure('timeout', () => sendBytes(Buffer.from([22, 3, 1, 2, 0, 1]), false));
  });

  it('is reported as server-certificate: a client that sends an alert because it does not trust the authority', async () => {
    await expectFailure('server-certificate', async () => {
      const socket = connect(Number(target().port), 'localhost').on('error', () => {});
      socket.write(await clientHello());
      await once(socket, 'data');
      // A fatal alert: unknown_ca (RFC 8446, section 6).
      socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 48]));
    });
  });

  it('is reported as protocol: a client with an old version of TLS', async () => {
    const { authority } = folder;
    const ciphers = 'DEFAULT@SECLEVEL=0';
    const pair = authority.issue('old');
    await expectFailure(
      'protocol',
      refused({ ca: authority.cert, ...pair, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers }),
    );
  });

  if (listener === 'grpc')
    it('is reported as client-certificate: no certificate, or one of another authority', async () => {
      const { cert: ca } = folder.authority;
      const other = createAuthority('Other').issue('other');
      await expectFailure('client-certificate', refused({ ca }));
      await expectFailure('client-certificate', refused({ ca, maxVersion: 'TLSv1.2' }));
      await expectFailure('client-certificate', refused({ ca, ...other }));
    });

  it('is not reported for one that succeeds', async () => {
    const before = logged().length;
    const { authority } = folder;
    const socket = await connectTls(target().href, {
      ca: authority.cert,
      ALPNProtocols: ['h2'],
      ...authority.issue('me'),
    });
    socket.destroy();
    await once(socket, 'close');
    expect(logged()).toHaveLength(before);
  });
});
