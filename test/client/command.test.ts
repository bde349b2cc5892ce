import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../cases.ts';
import { run } from '../support/command.ts';
import { startTestService, type TestService, until } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';

const entry = fileURLToPath(new URL('../../dist/client/command.js', import.meta.url));
const greet = (...args: string[]) => run(process.execPath, [entry, ...args]);

describe('the greet command', () => {
  let service: TestService;
  let doors: string[];
  beforeAll(async () => {
    service = await startTestService();
    doors = ['--url', service.urls.http, '--address', service.urls.grpc];
  });
  afterAll(() => service.drain());

  it('is a program of its own after any build, as npx runs it', async () => {
    expect(await run(entry, ['--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  // An argument cannot hold a NUL, and a name that begins with a dash would be an option.
  const passable = cases.filter(({ name }) => !name.includes('\u0000'));

  describe.each([[[]], [['--grpc']]])('with %j', (flags: string[]) => {
    it('makes of every name what the service does', async () => {
      const results = await Promise.all(passable.map(({ name }) => greet(...doors, ...flags, '--', name)));
      for (const [index, { greeting, faults }] of passable.entries()) {
        if (greeting !== undefined)
          expect(results[index]).toEqual({ code: 0, stdout: `${greeting}\n`, stderr: '' });
        else {
          const message = faults?.map((fault) => `name ${fault}`).join('; ');
          expect(results[index]).toEqual({ code: 1, stdout: '', stderr: `greet: ${message}\n` });
        }
      }
    }, 60_000);

    it('prints JSON, one line a name', async () => {
      const { stdout } = await greet(...doors, ...flags, '--json', 'Alice', 'Zoë');
      expect(stdout).toBe('{"message":"Hello, Alice"}\n{"message":"Hello, Zoë"}\n');
    });

    it('exits 3 when nobody answers', async () => {
      const result = await greet(
        '--url',
        'http://localhost:1',
        '--address',
        'localhost:1',
        '--timeout',
        '300',
        ...flags,
        'Alice',
      );
      expect(result).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/^greet: .+\n$/) });
    });

    it('tells by its exit status whether the service is ready', async () => {
      const draining = await startTestService({ DRAIN_DELAY_MS: '3000' });
      const to = ['--url', draining.urls.http, '--address', draining.urls.grpc];
      expect((await greet(...to, ...flags, 'health')).code).toBe(0);
      const drained = draining.drain();
      expect((await greet(...to, ...flags, 'health')).code).toBe(1);
      await drained;
    });
  });

  it('calls the ports that the environment has for the service', async () => {
    const env = {
      ...process.env,
      PORT: new URL(service.urls.http).port,
      GRPC_PORT: new URL(`http://${service.urls.grpc}`).port,
    };
    for (const flags of [[], ['--grpc']]) {
      expect((await run(process.execPath, [entry, ...flags, 'Alice'], { env })).stdout).toBe(
        'Hello, Alice\n',
      );
    }
  });

  it('carries the trace that a script has', async () => {
    const traceId = 'c'.repeat(32);
    const env = { ...process.env, TRACEPARENT: `00-${traceId}-00f067aa0ba902b7-01` };
    await run(process.execPath, [entry, ...doors, 'Alice'], { env });
    await until(() => service.lines.some(({ trace_id }) => trace_id === traceId));
  });

  it('greets a person called health', async () => {
    expect((await greet(...doors, '--', 'health')).stdout).toBe('Hello, health\n');
  });

  it.each([
    [[]],
    [['--nope', 'a']],
    [['--timeout', 'x', 'a']],
    [['--url', 'localhost:8080', 'a']],
    [['health', 'a']],
    [['--cacert', '/nope', 'a']],
    [['--grpc', '--cert', '/nope', 'a']],
    [['--grpc', '--tls', '--cacert', '/nope', 'a']],
  ])('exits 2, and says how to get help, on %j', async (args: string[]) => {
    const result = await greet(...args);
    expect(result).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^greet: .+\nTry greet --help\.\n$/),
    });
  });

  it('explains itself', async () => {
    const { code, stdout } = await greet('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: greet [options] NAME...');
  });
});

describe('the greet command over TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  let doors: string[];
  beforeAll(async () => {
    folder = await createTlsFolder();
    service = await startTestService({ ...folder.env, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile });
    doors = ['--url', service.urls.http, '--address', service.urls.grpc, '--timeout', '3000'];
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  it('greets when it is told whom to trust, and over gRPC when it shows a certificate', async () => {
    const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = folder.env;
    const trust = ['--cacert', folder.clientCaFile];
    expect(await greet(...doors, ...trust, 'Alice')).toEqual({
      code: 0,
      stdout: 'Hello, Alice\n',
      stderr: '',
    });
    expect(await greet(...doors, ...trust, '--grpc', '--cert', cert, '--key', key, 'Alice')).toEqual({
      code: 0,
      stdout: 'Hello, Alice\n',
      stderr: '',
    });
    expect((await greet(...doors, ...trust, '')).stderr).toMatch(/^greet: name is required/);
  });

  it('trusts whom Node is told to trust', async () => {
    // Nothing of this one's environment, where others may be named.
    const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: folder.clientCaFile };
    const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = folder.env;
    for (const flags of [[], ['--grpc', '--tls', '--cert', cert, '--key', key]])
      expect((await run(process.execPath, [entry, ...doors, ...flags, 'Alice'], { env })).stdout).toBe(
        'Hello, Alice\n',
      );
  });

  it('exits 3 when it does not trust the service, or is not trusted', async () => {
    expect((await greet(...doors, 'Alice')).code).toBe(3);
    expect((await greet(...doors, '--grpc', '--cacert', folder.clientCaFile, 'Alice')).code).toBe(3);
  });

  it('asks the service beside it over TLS, as in its container', async () => {
    const env = { ...process.env, ...folder.env, PORT: new URL(service.urls.http).port };
    expect(await run(process.execPath, [entry, 'health'], { env })).toEqual({
      code: 0,
      stdout: 'ready\n',
      stderr: '',
    });
  });
});
