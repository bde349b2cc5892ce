import { spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService } from '../../src/service.ts';
import { cases } from '../cases.ts';
import { run } from '../support/command.ts';
import { createTestTelemetry, startTestService, type TestService, until } from '../support/service.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';
import { greet } from './greet-command.ts';

const entry = fileURLToPath(new URL('../../dist/client/command.js', import.meta.url));

const transports = ['HTTP', 'gRPC'] as const;
type Transport = (typeof transports)[number];

/** The options to call a service over this transport. */
const to = (transport: Transport, { urls }: Pick<TestService, 'urls'>) =>
  transport === 'HTTP' ? ['--url', urls.http] : ['--grpc', '--address', urls.grpc];

describe('the greet command', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await startTestService();
  });
  afterAll(() => service.drain());

  // A command-line argument cannot contain NUL.
  const passable = cases.filter(({ name }) => !name.includes('\u0000'));

  describe.each(transports)('over %s', (transport) => {
    it.each(passable)('greets or refuses $title as the service does', async ({ name, greeting, faults }) => {
      const result = await greet([...to(transport, service), '--', name]);
      if (greeting !== undefined)
        return expect(result).toEqual({ code: 0, stdout: `${greeting}\n`, stderr: '' });
      const message = faults?.map((fault) => `name ${fault}`).join('; ');
      expect(result).toEqual({ code: 1, stdout: '', stderr: `greet: ${message}\n` });
    });

    it('prints one line of JSON for each name', async () => {
      const { stdout } = await greet([...to(transport, service), '--json', 'Alice', 'Zoë']);
      expect(stdout).toBe('{"message":"Hello, Alice"}\n{"message":"Hello, Zoë"}\n');
    });

    it('exits 3 when no server answers', async () => {
      const nowhere = { urls: { http: 'http://localhost:1', grpc: 'localhost:1', admin: '' } };
      const result = await greet(['--timeout', '300', ...to(transport, nowhere), 'Alice']);
      expect(result).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/^greet: .+\n$/) });
    });

    it('exits 0 if the service is ready, and 1 if it is not', async () => {
      const options = await createTestTelemetry();
      const draining = await startService(options);
      const ready = transport === 'HTTP' ? 'ready' : 'SERVING';
      expect(await greet([...to(transport, draining), 'health'])).toEqual({
        code: 0,
        stdout: `${ready}\n`,
        stderr: '',
      });
      options.readiness.become('draining');
      const status = transport === 'HTTP' ? 'draining' : 'NOT_SERVING';
      expect(await greet([...to(transport, draining), '--json', 'health'])).toEqual({
        code: 1,
        stdout: `{"status":"${status}"}\n`,
        stderr: '',
      });
      await draining.drain();
    });

    it('continues the trace of the environment', async () => {
      const traceId = (transport === 'HTTP' ? 'c' : 'd').repeat(32);
      const env = { TRACEPARENT: `00-${traceId}-00f067aa0ba902b7-01` };
      await greet([...to(transport, service), 'Alice'], { env });
      await until(() => service.lines.some(({ trace_id }) => trace_id === traceId));
    });

    it('calls the ports of PORT and GRPC_PORT', async () => {
      const env = {
        PORT: new URL(service.urls.http).port,
        GRPC_PORT: new URL(`http://${service.urls.grpc}`).port,
      };
      const flags = transport === 'HTTP' ? [] : ['--grpc'];
      expect((await greet([...flags, 'Alice'], { env })).stdout).toBe('Hello, Alice\n');
    });

    it('stops at the first NAME that is refused', async () => {
      const result = await greet([...to(transport, service), 'Alice', '', 'Bob']);
      expect(result).toMatchObject({
        code: 1,
        stdout: 'Hello, Alice\n',
        stderr: expect.stringContaining('required'),
      });
    });
  });

  it('greets a person called health', async () => {
    const url = to('HTTP', service);
    expect((await greet([...url, '--', 'health'])).stdout).toBe('Hello, health\n');
    expect((await greet([...url, 'Alice', 'health'])).stdout).toBe('Hello, Alice\nHello, health\n');
  });

  it.each([
    [[], /NAME is missing/],
    [['--'], /NAME is missing/],
    [['--nope', 'a'], /^Unknown option '--nope'; a NAME that begins with - goes after --$/],
    [['-x', 'a'], /^Unknown option '-x'; a NAME that begins with - goes after --$/],
    [['--json=1', 'a'], /^Option '--json' does not take an argument$/],
    [['--grpc=yes', 'a'], /--grpc/],
    [['--url'], /--url/],
    [
      ['--timeout', 'x', 'a'],
      /^--timeout: expected milliseconds, a whole number from 1 to 2147483647, got "x"$/,
    ],
    [['--timeout', '0', 'a'], /^--timeout: /],
    [['--timeout=-5', 'a'], /^--timeout: /],
    [['--timeout', '1e3', 'a'], /^--timeout: /],
    [['--timeout', '0x10', 'a'], /^--timeout: /],
    [['--timeout', '', 'a'], /^--timeout: /],
    [['--timeout', '2147483648', 'a'], /^--timeout: /],
    [
      ['--url', 'localhost:8080', 'a'],
      /^--url: expected an HTTP URL such as http:\/\/localhost:8080, got "localhost:8080"$/,
    ],
    [['--url', '', 'a'], /^--url: /],
    [
      ['--url', 'http://me:secret@localhost', 'a'],
      /^--url: .*without credentials.*got "http:\/\/…@localhost"$/,
    ],
    [
      ['--url', 'http://localhost?token=secret', 'a'],
      /^--url: .*without credentials, query or fragment, got "http:\/\/localhost\?…"$/,
    ],
    [['--url', 'http://localhost', '--url', 'http://localhost', 'a'], /^--url: expected once$/],
    [['--url', 'http://localhost', '--grpc', 'a'], /^--url has no effect with --grpc: use --address$/],
    [['--address', 'localhost:1', 'a'], /^--address has no effect without --grpc: use --url$/],
    [['--tls', 'a'], /^--tls has no effect without --grpc: give a --url with https$/],
    [['--cert', '/nope', 'a'], /^--cert has no effect without --grpc$/],
    [['--key', '/nope', 'a'], /^--key has no effect without --grpc$/],
    [
      ['--cacert', '/nope', '--url', 'http://localhost', 'a'],
      /^--cacert has no effect without TLS: give a --url with https$/,
    ],
    [
      ['--grpc', '--address', 'http://localhost:50051', 'a'],
      /^--address: .*without a scheme such as http:\/\/, got "http:/,
    ],
    [['--grpc', '--address', '', 'a'], /^--address: /],
    [['health', 'a'], /^health takes no NAME$/],
    [['health', '--', 'a'], /^health takes no NAME$/],
    [
      ['--cacert', '/nope', '--url', 'https://localhost', 'a'],
      /^--cacert: expected a file that can be read; ENOENT/,
    ],
    [['--cacert', '/nope', 'a'], /^--cacert/],
    [['--grpc', '--cert', '/nope', 'a'], /^--cert and --key: expected both or neither$/],
    [['--grpc', '--key', '/nope', 'a'], /^--cert and --key: expected both or neither$/],
    [['--grpc', '--cert', '/nope', '--key', '/nope', 'a'], /^--cert: expected a file/],
    [['--grpc', '--tls', '--cacert', '/nope', 'a'], /^--cacert: expected a file/],
    [['--grpc', '--cacert', entry, 'a'], /^--cacert: expected certificates in PEM in .*; there is none$/],
    [['--cacert', entry, '--url', 'https://localhost', 'a'], /^--cacert: expected certificates in PEM/],
    [['--grpc', '--cert', entry, '--key', entry, 'a'], /^--cert and --key: expected certificates in PEM/],
  ])('exits 2 and mentions --help for the arguments %j', async (args: string[], message) => {
    const { code, stdout, stderr } = await greet(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    const [, shown] = /^greet: (.+)\nTry greet --help\.\n$/.exec(stderr) ?? [];
    expect(shown).toMatch(message);
    expect(stderr).not.toContain('secret');
  });

  it('prints its usage with --help', async () => {
    for (const args of [['--help'], ['-h'], ['-h', 'Alice'], ['--version', '--help']]) {
      const { code, stdout } = await greet(args);
      expect(code).toBe(0);
      expect(stdout).toContain('Usage: greet [options] NAME...');
    }
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await greet(['--version'])).toEqual({ code: 0, stdout: `greet ${version}\n`, stderr: '' });
  });

  describe('in its own process', () => {
    const program = (...args: string[]) => run(process.execPath, [entry, ...args]);

    it('can be run as a file, as npx does', async () => {
      expect(await run(entry, ['--help'])).toMatchObject({ code: 0, stderr: '' });
    });

    it('greets over both transports', async () => {
      const results = await Promise.all(
        transports.map((one) => program(...to(one, service), 'Alice', 'Zoë')),
      );
      for (const result of results)
        expect(result).toEqual({ code: 0, stdout: 'Hello, Alice\nHello, Zoë\n', stderr: '' });
    });

    it('exits 1 for a refusal, 2 for wrong usage and 3 without a server', async () => {
      const [refused, misused, lost] = await Promise.all([
        program(...to('HTTP', service), ''),
        program('--nope'),
        program('--url', 'http://localhost:1', 'a'),
      ]);
      expect([refused.code, misused.code, lost.code]).toEqual([1, 2, 3]);
      expect(refused.stderr).toMatch(/^greet: name is required/);
    });

    it.each(transports)('exits 0 when its reader has closed the pipe, over %s', async (transport) => {
      const child = spawn(process.execPath, [entry, ...to(transport, service), ...Array(30).fill('Alice')]);
      child.stdout.destroy();
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });

    it.runIf(process.platform === 'linux')('exits 1 when its output cannot be written', async () => {
      const full = await open('/dev/full', 'w');
      const stdio: ['ignore', number, 'pipe'] = ['ignore', full.fd, 'pipe'];
      const child = spawn(process.execPath, [entry, ...to('HTTP', service), 'Alice'], { stdio });
      let stderr = '';
      child.stderr?.setEncoding('utf8').on('data', (text) => {
        stderr += text;
      });
      const code = await new Promise((resolve) => child.once('close', resolve));
      await full.close();
      expect(code).toBe(1);
      expect(stderr).toMatch(/^greet: the output cannot be written; ENOSPC/);
    });
  });
});

describe('the greet command over TLS', () => {
  let folder: TlsFolder;
  let service: TestService;
  const timeout = ['--timeout', '3000'];
  beforeAll(async () => {
    folder = await createTlsFolder();
    service = await startTestService({ ...folder.env, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile });
  });
  afterAll(async () => {
    await service.drain();
    await folder.dispose();
  });

  it('greets with --cacert, and over gRPC with --cert and --key, too', async () => {
    const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = folder.env;
    const trust = ['--cacert', folder.clientCaFile];
    const greeted = { code: 0, stdout: 'Hello, Alice\n', stderr: '' };
    expect(await greet([...to('HTTP', service), ...trust, 'Alice'])).toEqual(greeted);
    expect(await greet([...to('gRPC', service), ...trust, '--cert', cert, '--key', key, 'Alice'])).toEqual(
      greeted,
    );
    expect((await greet([...to('HTTP', service), ...trust, ''])).stderr).toMatch(/^greet: name is required/);
  });

  it('trusts the authorities in NODE_EXTRA_CA_CERTS', async () => {
    // This needs a new process, because Node reads the variable at its start. The rest of the environment is left out: it may name other
    // authorities.
    const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: folder.clientCaFile };
    const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key } = folder.env;
    const flags = [to('HTTP', service), [...to('gRPC', service), '--tls', '--cert', cert, '--key', key]];
    for (const one of flags)
      expect((await run(process.execPath, [entry, ...one, 'Alice'], { env })).stdout).toBe('Hello, Alice\n');
  });

  it('exits 3 when it does not trust the service, or has no client certificate', async () => {
    expect((await greet([...timeout, ...to('HTTP', service), 'Alice'])).code).toBe(3);
    const trust = ['--cacert', folder.clientCaFile];
    expect((await greet([...timeout, ...to('gRPC', service), ...trust, 'Alice'])).code).toBe(3);
  });

  it('calls the local service over TLS if TLS_CERT_FILE is set, as in its container', async () => {
    const env = { ...folder.env, PORT: new URL(service.urls.http).port };
    expect(await greet(['health'], { env })).toEqual({ code: 0, stdout: 'ready\n', stderr: '' });
  });
});
