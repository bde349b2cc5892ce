import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isLocalHost } from '../../src/client/local-host.ts';
import { run, start } from '../support/command.ts';
import { startTestService, type TestService, until } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { greet } from './greet-command.ts';

const entry = fileURLToPath(new URL('../../dist/client/command.js', import.meta.url));
const flagsOf = { HTTP: [], gRPC: ['--grpc'] };
const transports = ['HTTP', 'gRPC'] as const;

let service: TestService;
let ports: { PORT: string; GRPC_PORT: string };
beforeAll(async () => {
  service = await startTestService();
  ports = {
    PORT: new URL(service.urls.http).port,
    GRPC_PORT: new URL(`http://${service.urls.grpc}`).port,
  };
});
afterAll(() => service.drain());

describe.each(transports)('the greet command on the machine of the service, over %s', (transport) => {
  const flags = flagsOf[transport];
  const ready = { code: 0, stdout: transport === 'HTTP' ? 'ready\n' : 'SERVING\n', stderr: '' };

  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'greet-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each([
    ['', 'localhost'],
    [' localhost ', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', 'localhost'],
    ['::', 'localhost'],
    ['0', 'localhost'],
    ['0:0:0:0:0:0:0:0', 'localhost'],
    ['::ffff:0.0.0.0', 'localhost'],
    ['::ffff:127.0.0.1', '[::ffff:7f00:1]'],
  ])('calls the service if HOST is %j', async (HOST) => {
    expect(await greet([...flags, 'health'], { env: { ...ports, HOST }, folder })).toEqual(ready);
  });

  it.each([['a b'], ['http://localhost'], ['localhost:8080/'], ['me@localhost'], ['a?b'], ['[::1'], ['%']])(
    'exits 2 if HOST is %j',
    async (HOST) => {
      const { code, stderr } = await greet([...flags, 'health'], { env: { ...ports, HOST }, folder });
      expect({ code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^greet: HOST: expected a host name or an address, got /),
      });
    },
  );

  const variable = transport === 'HTTP' ? 'PORT' : 'GRPC_PORT';
  it.each([['0'], ['x'], ['-1'], ['65536'], ['1e3']])(`exits 2 if ${variable} is %j`, async (port) => {
    const { code, stderr } = await greet([...flags, 'health'], {
      env: { ...ports, [variable]: port },
      folder,
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(`greet: ${variable}: expected a port from 1 to 65535, got "${port}"; or give --`);
  });

  const lines = (variables: object) => Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);

  it.each<[title: string, text: (text: string) => string | Buffer, env?: object]>([
    ['plain', (text) => text],
    ['with a byte order mark', (text) => `\uFEFF${text}`],
    ['with Windows line ends', (text) => text.replaceAll('\n', '\r\n')],
    [
      'with comments, quotes and export',
      (text) => `# a comment\n${text.replace(/=(.*)/g, '="$1" # the port').replace(/^/gm, 'export ')}`,
    ],
    ['with spaces', (text) => text.replaceAll('=', ' = ')],
    ['with variables that the environment overrides', () => 'PORT=1\nGRPC_PORT=1\n', { env: true }],
  ])('reads a .env file: %s', async (_title, text, env) => {
    await writeFile(join(folder, '.env'), text(lines(ports).join('')));
    expect(await greet([...flags, 'health'], { folder, env: env ? ports : {} })).toEqual(ready);
  });

  it('treats an empty variable of the environment as unset, even if .env sets it', async () => {
    await writeFile(join(folder, '.env'), 'HOST=nowhere.invalid\n');
    expect(await greet([...flags, 'health'], { folder, env: { ...ports, HOST: ' ' } })).toEqual(ready);
  });

  it('does not read .env if the address is given', async () => {
    await mkdir(join(folder, '.env'));
    const to = transport === 'HTTP' ? ['--url', service.urls.http] : ['--address', service.urls.grpc];
    expect(await greet([...flags, ...to, 'health'], { folder })).toEqual(ready);
  });

  it.each<[title: string, make: (path: string) => Promise<unknown>]>([
    ['a folder', (path) => mkdir(path)],
    ['a link to itself', (path) => symlink('.env', path)],
    ['an endless device', (path) => symlink('/dev/zero', path)],
    ['a FIFO', (path) => run('mkfifo', [path])],
    ['UTF-16', (path) => writeFile(path, Buffer.from('\uFEFFPORT=1\n', 'utf16le'))],
    ['UTF-16 without a byte order mark', (path) => writeFile(path, Buffer.from('PORT=1\n', 'utf16le'))],
    ['Latin-1', (path) => writeFile(path, Buffer.from('A=é\n', 'latin1'))],
  ])('exits 2 if .env is %s', async (_title, make) => {
    await make(join(folder, '.env'));
    const { code, stderr } = await greet([...flags, 'health'], { folder, env: ports });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^greet: \.env: expected a text file that can be read; .+\nTry greet --help\.\n$/);
  });
});

describe('the greet command on the machine of a service with TLS', () => {
  let files: TlsFolder;
  let secure: TestService;
  beforeAll(async () => {
    files = await createTlsFolder();
    secure = await startTestService(files.env);
  });
  afterAll(async () => {
    await secure.drain();
    await files.dispose();
  });

  it.each(transports)('calls it over TLS and accepts any certificate, over %s', async (transport) => {
    const env = {
      ...files.env,
      PORT: new URL(secure.urls.http).port,
      GRPC_PORT: new URL(`http://${secure.urls.grpc}`).port,
    };
    for (const HOST of ['localhost', '127.0.0.1', '0.0.0.0'])
      expect((await greet([...flagsOf[transport], 'Alice'], { env: { ...env, HOST } })).stdout).toBe(
        'Hello, Alice\n',
      );
    // It verifies the certificate if the address is given: that may be another machine.
    const to =
      transport === 'HTTP' ? ['--url', secure.urls.http] : ['--grpc', '--tls', '--address', secure.urls.grpc];
    expect((await greet(['--timeout', '500', ...to, 'Alice'], { env })).code).toBe(3);
  });
});

describe('a proxy in the environment', () => {
  const connections: string[] = [];
  const proxy = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', (bytes) => {
        connections.push(bytes.toString('latin1').split('\r\n')[0] ?? '');
        socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
      });
  });
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
    env = {
      PATH: process.env.PATH,
      http_proxy: url,
      https_proxy: url,
      HTTP_PROXY: url,
      HTTPS_PROXY: url,
      grpc_proxy: url,
      NODE_USE_ENV_PROXY: '1',
    };
  });
  afterAll(() => proxy.close());
  const program = (...args: string[]) =>
    run(process.execPath, [entry, ...args], { env: { ...env, ...ports }, cwd: tmpdir() });

  it.each(transports)('gets no calls to this machine, over %s', async (transport) => {
    const flags = flagsOf[transport];
    const host = (name: string) => {
      const port = transport === 'HTTP' ? ports.PORT : ports.GRPC_PORT;
      return transport === 'HTTP' ? ['--url', `http://${name}:${port}`] : ['--address', `${name}:${port}`];
    };
    const results = await Promise.all([
      program(...flags, 'Alice'),
      program(...flags, ...host('localhost'), 'Alice'),
      program(...flags, ...host('127.0.0.1'), 'Alice'),
    ]);
    for (const result of results) expect(result).toEqual({ code: 0, stdout: 'Hello, Alice\n', stderr: '' });
    expect(connections).toEqual([]);
  });

  // Older versions of Node use no proxy over HTTP.
  const able = Number(process.versions.node.split('.')[0]) >= 24 ? transports : (['gRPC'] as const);

  it.each(able)('gets calls to other machines, over %s', async (transport) => {
    const to = {
      HTTP: ['--url', 'http://greet.example:8080'],
      gRPC: ['--grpc', '--address', 'greet.example:50051'],
    };
    const child = start(process.execPath, [entry, ...to[transport], '--timeout', '60000', 'Alice'], {
      env: { ...env, ...ports },
    });
    await until(() => connections.some((line) => line.includes('greet.example')));
    child.process.kill();
    await child.result;
  });
});

describe('isLocalHost', () => {
  const own = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address));
  it.each([
    ['localhost'],
    ['LOCALHOST'],
    ['localhost.'],
    ['greet.localhost'],
    ['127.0.0.1'],
    ['127.1.2.3'],
    ['::1'],
    ['[::1]'],
    ['0.0.0.0'],
    ['::'],
    ['[::]'],
    ['::ffff:127.0.0.1'],
    ...own.map((address) => [address]),
  ])('is true for %s', (host) => expect(isLocalHost(host)).toBe(true));

  it.each([
    ['greet'],
    ['localhost.example.com'],
    ['notlocalhost'],
    ['128.0.0.1'],
    ['192.0.2.1'],
    ['2001:db8::1'],
    ['::2'],
    [''],
  ])('is false for %j', (host) => expect(isLocalHost(host)).toBe(false));
});
