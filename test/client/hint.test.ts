import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { greet } from './greet-command.ts';
import { startSocketStub } from './stub-grpc.ts';
import { answers, answersJson, startHttpStub } from './stub-http.ts';

/** Long enough for a connection to fail. The tests do not depend on the value. */
const timeout = ['--timeout', '500'];

describe('the probable cause that the greet command names', () => {
  let folder: TlsFolder;
  let clear: TestService;
  let secure: TestService;
  beforeAll(async () => {
    folder = await createTlsFolder();
    clear = await startTestService();
    secure = await startTestService({ ...folder.env, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile });
  });
  afterAll(async () => {
    await Promise.all([clear.drain(), secure.drain()]);
    await folder.dispose();
  });

  const hostOf = (url: string) => url.replace(/^https?:\/\//, '');

  it.each<[cause: string, args: () => string[], message: () => string]>([
    [
      'an HTTP client on the port of gRPC',
      () => ['--url', `http://${clear.urls.grpc}`],
      () =>
        `${clear.urls.grpc} speaks HTTP/2 only, as gRPC does: give the port of HTTP, or use --grpc with --address.`,
    ],
    [
      'a gRPC client on the port of HTTP',
      () => ['--grpc', '--address', hostOf(clear.urls.http)],
      () =>
        `${hostOf(clear.urls.http)} speaks HTTP/1.1, not gRPC: give the port of gRPC, or use --url without --grpc.`,
    ],
    [
      'https where there is no TLS',
      () => ['--url', clear.urls.http.replace('http', 'https')],
      () => `${hostOf(clear.urls.http)} speaks clear text, not TLS: use http in the URL.`,
    ],
    [
      'TLS over gRPC where there is none',
      () => ['--grpc', '--tls', '--address', clear.urls.grpc],
      () => `${clear.urls.grpc} speaks clear text, not TLS: leave out --tls and --cacert.`,
    ],
    [
      'http where there is TLS',
      () => ['--url', secure.urls.http.replace('https', 'http')],
      () => `${hostOf(secure.urls.http)} speaks TLS: use https in the URL.`,
    ],
    [
      'gRPC in clear text where there is TLS',
      () => ['--grpc', '--address', secure.urls.grpc],
      () => `${secure.urls.grpc} speaks TLS: add --tls.`,
    ],
    [
      'https on the port of gRPC without TLS',
      () => ['--url', `https://${clear.urls.grpc}`],
      () =>
        `${clear.urls.grpc} speaks HTTP/2 only, as gRPC does: give the port of HTTP, or use --grpc with --address, and speaks clear text, not TLS: use http in the URL.`,
    ],
    [
      'https on the port of gRPC',
      () => ['--url', `https://${secure.urls.grpc}`, '--cacert', folder.clientCaFile],
      () =>
        `${secure.urls.grpc} speaks HTTP/2 only, as gRPC does: give the port of HTTP, or use --grpc with --address.`,
    ],
    [
      'a certificate of an unknown authority',
      () => ['--url', secure.urls.http],
      () =>
        `${hostOf(secure.urls.http)} has a certificate that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): name its authority with --cacert.`,
    ],
    [
      'a client without a certificate',
      () => ['--grpc', '--address', secure.urls.grpc, '--cacert', folder.clientCaFile],
      () => `${secure.urls.grpc} asks for a certificate of the client: give --cert and --key.`,
    ],
  ])('is %s', async (_cause, args, message) => {
    const { code, stdout, stderr } = await greet([...timeout, ...args(), 'Alice']);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/^greet: .+\n$/);
    expect(stderr).toContain(` ${message()}\n`);
  });

  it.each([
    [
      'for another name',
      '127.0.0.2',
      {},
      'has a certificate for another name: call the host as the certificate does.',
    ],
    [
      'that has expired',
      '127.0.0.1',
      { validTo: new Date(Date.now() - 1_000) },
      'has a certificate that is not valid at this time: renew it, or check the clock.',
    ],
  ])('is a certificate %s', async (_title, host, validity, message) => {
    const pair = folder.authority.issue('other', validity);
    const server = createServer({ ...pair, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => socket.resume());
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const where = `${host}:${(server.address() as AddressInfo).port}`;
    const trust = ['--cacert', folder.clientCaFile];
    for (const to of [
      ['--url', `https://${where}`],
      ['--grpc', '--address', where],
    ])
      expect((await greet([...timeout, ...trust, ...to, 'Alice'])).stderr).toContain(
        ` ${where} ${message}\n`,
      );
    server.close();
  });

  it.each([
    ['HTTP', (port: number) => ['--url', `http://127.0.0.1:${port}`], '--url'],
    ['gRPC', (port: number) => ['--grpc', '--address', `127.0.0.1:${port}`], '--address'],
  ] as const)('is that nothing listens, over %s', async (_title, args, option) => {
    const stub = await startSocketStub(() => {});
    stub.close();
    const port = Number(stub.address.split(':')[1]);
    const { stderr } = await greet([...timeout, ...args(port), 'Alice']);
    expect(stderr).toContain(
      ` Nothing listens at 127.0.0.1:${port}: start the service, or say with ${option} where it is.\n`,
    );
  });

  it.each([
    [['--url', 'http://nowhere.invalid'], 'nowhere.invalid:80 cannot be resolved: check --url.'],
    [['--grpc', '--address', 'nowhere.invalid:1'], 'nowhere.invalid:1 cannot be resolved: check --address.'],
  ])('is that the host name cannot be resolved: %j', async (args, message) => {
    const { stderr } = await greet([...timeout, ...args, 'Alice']);
    expect(stderr).toContain(`The host name of ${message}\n`);
  });

  it('is left out when the server sends nothing', async () => {
    const stub = await startSocketStub(() => {});
    for (const to of [
      ['--url', `http://${stub.address}`],
      ['--grpc', '--address', stub.address],
    ]) {
      const { code, stderr } = await greet(['--timeout', '100', ...to, 'Alice'], { hintTimeoutMs: 100 });
      expect(code).toBe(3);
      expect(stderr).toMatch(/^greet: \S+ did not answer within 100 ms\.\n$/);
    }
    stub.close();
  });

  it('is not searched for when the service itself has refused the request', async () => {
    const refusals = () => clear.lines.filter(({ reason }) => reason !== undefined).length;
    const before = refusals();
    const { stderr } = await greet(['--url', clear.urls.http, '']);
    expect(stderr).toBe(
      'greet: name is required: 1 to 100 characters, not counting white space around them\n',
    );
    // The service would have counted a probe as another refused request.
    expect(refusals()).toBe(before);
  });

  it('removes control characters from an error message of another server', async () => {
    const body = JSON.stringify({ detail: 'a\u001b[31mb\r\nc\u0007' });
    const stub = await startHttpStub(answers(500, { 'content-type': 'application/problem+json' }, body));
    const { stderr } = await greet(['--url', stub.url, 'Alice']);
    stub.close();
    expect(stderr).toBe('greet: a [31mb c \n');
  });

  it('removes control characters from a greeting of another server', async () => {
    const stub = await startHttpStub(answersJson({ message: 'a\u001b[31mb\nc\u009b' }));
    const text = await greet(['--url', stub.url, 'Alice']);
    const json = await greet(['--url', stub.url, '--json', 'Alice']);
    stub.close();
    expect(text).toEqual({ code: 0, stdout: 'a [31mb c \n', stderr: '' });
    expect(json.stdout).not.toMatch(/\p{Cc}./su);
  });
});
