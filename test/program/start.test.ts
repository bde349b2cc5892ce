import { writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcClient } from '../../src/client/grpc.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until, untilRead } from '../support/service.ts';
import { createTlsFolder, servedName } from '../support/tls.ts';
import { untilRefused } from '../support/until-refused.ts';

describe('the built program', () => {
  const programs: Program[] = [];
  const run = async (...options: Parameters<typeof runProgram>) => {
    const program = await runProgram(...options);
    programs.push(program);
    return program;
  };
  afterEach(async () => {
    await Promise.all(programs.splice(0).map((program) => program.dispose()));
  });

  const fetchText = async (url: string) => (await fetch(url)).text();

  it('logs its addresses, greets on every address of localhost, and ends with 0 on SIGTERM', async () => {
    const program = await run();
    const { http, grpc, admin } = await program.listening();
    expect(program.lines[0]).toMatchObject({
      level: 'info',
      msg: `listening on ${http}, gRPC on ${grpc}, admin on ${admin}`,
    });
    expect(await fetchText(`${http}/greet?name=Alice`)).toBe('Hello, Alice');
    expect(await fetchText(`${http.replace('localhost', '127.0.0.1')}/greet?name=Alice`)).toBe(
      'Hello, Alice',
    );
    program.process.kill('SIGTERM');
    expect(await program.exited).toBe(0);
    expect(program.stderr()).toBe('');
    expect(program.lines.map(({ msg }) => msg).slice(-2)).toEqual([
      'draining; a second signal ends the process at once',
      'drained',
    ]);
    expect(program.lines.filter(({ msg }) => msg === 'request')).toHaveLength(2);
  });

  it('starts, greets and answers probes and scrapes without a file outside its bundle', async () => {
    const tell = `import { createRequire } from 'node:module';
      process.on('exit', () => process.stderr.write(Object.keys(createRequire('/').cache).join()))`;
    const program = await run({
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(tell)}`],
    });
    const { http, grpc, admin } = await program.listening();
    const client = createGrpcClient({ address: grpc });
    expect(await client.health()).toBe('SERVING');
    expect(await client.greet('Alice')).toEqual({ message: 'Hello, Alice' });
    client.close();
    expect(await fetchText(`${http}/greet?name=Alice`)).toBe('Hello, Alice');
    expect(await fetchText(`${http}/readyz`)).toContain('ready');
    expect(await fetchText(`${admin}/metrics`)).toContain('process_cpu_seconds_total');
    program.process.kill('SIGTERM');
    expect(await program.exited).toBe(0);
    expect(program.stderr()).toBe('');
  });

  it('ends with 0 on SIGINT, also when npm repeats it at once', async () => {
    const program = await run({ env: { DRAIN_DELAY_MS: '200' } });
    await program.listening();
    program.process.kill('SIGINT');
    program.process.kill('SIGINT');
    expect(await program.exited).toBe(0);
  });

  it('exits at once, with 1, on a second signal', async () => {
    const program = await run({ env: { DRAIN_DELAY_MS: '15000' } });
    await program.listening();
    program.process.kill('SIGTERM');
    await until(() => program.lines.some(({ msg }) => msg.startsWith('draining')));
    // Within a tenth of a second, two signals count as one.
    await new Promise((resolve) => setTimeout(resolve, 300));
    program.process.kill('SIGINT');
    expect(await program.exited).toBe(1);
    expect(program.lines.at(-1)).toMatchObject({ msg: 'second signal: exiting at once' });
  });

  it('is not ready during the drain delay, but still alive, and greets and closes connections', async () => {
    const program = await run({ env: { DRAIN_DELAY_MS: '3000' } });
    const { http, admin } = await program.listening();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (path: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        get(`${http}${path}`, { agent }, (response) => resolve(response.resume())).on('error', reject);
      });
    expect((await ask('/readyz')).statusCode).toBe(200);
    program.process.kill('SIGTERM');
    await until(async () => (await ask('/readyz')).statusCode === 503);
    const during = await ask('/greet?name=Alice');
    expect(during.statusCode).toBe(200);
    expect(during.headers.connection).toBe('close');
    expect((await ask('/livez')).statusCode).toBe(200);
    expect(await fetchText(`${admin}/metrics`)).toContain('process_cpu_seconds_total');
    expect(await program.exited).toBe(0);
    await expect(ask('/greet?name=Alice')).rejects.toThrow('ECONNREFUSED');
    agent.destroy();
  });

  it('answers a request that was partly received when the drain closed the listener', async () => {
    const program = await run({ env: { DRAIN_DELAY_MS: '100' } });
    const { http, admin } = await program.listening();
    const socket = connect(Number(new URL(http).port), 'localhost').setEncoding('utf8');
    let answer = '';
    socket.on('data', (text) => {
      answer += text;
    });
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n');
    await untilRead({ urls: { admin } });
    program.process.kill('SIGTERM');
    await untilRefused(http);
    expect(program.process.exitCode).toBeNull();
    socket.write('\r\n');
    expect(await program.exited).toBe(0);
    expect(answer).toContain('connection: close');
    expect(answer.endsWith('Hello, Alice')).toBe(true);
  });

  it('closes the connection of a request that does not end within the shutdown timeout, and still exits with 0', async () => {
    const program = await run({ env: { SHUTDOWN_TIMEOUT_MS: '300' } });
    const { http, admin } = await program.listening();
    const socket = connect(Number(new URL(http).port), 'localhost').on('error', () => {});
    socket.write('GET /greet?name=Alice HTTP/1.1\r\nHost: greet\r\n');
    await untilRead({ urls: { admin } });
    program.process.kill('SIGTERM');
    expect(await program.exited).toBe(0);
    expect(program.lines.map(({ msg }) => msg)).toContain(
      'closing connections whose requests did not end in time',
    );
  });

  it('ends with 0 on a signal that comes before it listens', async () => {
    // Sends the signal as soon as the program handles it, before it listens.
    const hold = `process.on('newListener', (name) => name === 'SIGTERM' && setImmediate(() => process.kill(process.pid, name)))`;
    const program = await run({
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(hold)}`],
    });
    expect(await program.exited).toBe(0);
  });

  it('reads .env, and prefers the environment', async () => {
    const program = await run({
      env: { LOG_LEVEL: 'info' },
      prepare: (folder) =>
        writeFile(join(folder, '.env'), 'LOG_LEVEL=fatal\nCORS_ORIGINS=https://app.example.com\n'),
    });
    const { http } = await program.listening();
    const { headers } = await fetch(`${http}/greet?name=a`, {
      headers: { origin: 'https://app.example.com' },
    });
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example.com');
  });

  it('lists all errors of its configuration at once, and exits with 1', async () => {
    const program = await run({ env: { PORT: 'http', LOG_LEVEL: 'loud', CORS_ORIGINS: 'app.example.com' } });
    expect(await program.exited).toBe(1);
    expect(program.stderr().trim().split('\n')).toEqual([
      'The configuration is not valid:',
      '  PORT: expected the port for HTTP (0 = any free port), a whole number from 0 to 65535; got "http"',
      '  LOG_LEVEL: expected one of trace, debug, info, warn, error, fatal, silent; got "loud"',
      expect.stringMatching(
        /^ {2}CORS_ORIGINS: expected \* or a comma-separated list .*; got "app\.example\.com"$/,
      ),
    ]);
    expect(program.lines).toEqual([]);
  });

  it('lists every TLS file that is not valid, and exits with 1', async () => {
    const folder = await createTlsFolder();
    await writeFile(folder.clientCaFile, 'nothing of the kind');
    const { TLS_CERT_FILE } = folder.env;
    const program = await run({
      env: { TLS_CERT_FILE, TLS_KEY_FILE: TLS_CERT_FILE, GRPC_TLS_CLIENT_CA_FILE: folder.clientCaFile },
    });
    expect(await program.exited).toBe(1);
    expect(program.stderr().trim().split('\n')).toEqual([
      'The configuration is not valid:',
      expect.stringMatching(
        /^ {2}TLS_KEY_FILE: expected the file of a private key in PEM, without a passphrase; .*; got "/,
      ),
      expect.stringMatching(
        /^ {2}GRPC_TLS_CLIENT_CA_FILE: expected the file of .*; there is no certificate in it; got "/,
      ),
    ]);
    await folder.dispose();
  });

  it('serves over TLS, logs this, and keeps its admin port without TLS', async () => {
    const folder = await createTlsFolder();
    const program = await run({ env: folder.env });
    const { http, grpc, admin } = await program.listening();
    expect(program.lines[0]?.msg).toBe(`listening on ${http}, gRPC on ${grpc} over TLS, admin on ${admin}`);
    expect(http).toMatch(/^https:/);
    expect(await servedName(http, folder.authority.cert)).toBe('first');
    expect(await fetchText(`${admin}/metrics`)).toContain('process_cpu_seconds_total');
    program.process.kill('SIGTERM');
    expect(await program.exited).toBe(0);
    expect(program.stderr()).toBe('');
    await folder.dispose();
  });

  it.each(['PORT', 'GRPC_PORT', 'ADMIN_PORT'])(
    'reports that %s is already in use, and exits with 1',
    async (variable) => {
      const other = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => other.once('listening', resolve));
      const { port } = other.address() as AddressInfo;
      const program = await run({ env: { HOST: '127.0.0.1', [variable]: String(port) } });
      expect(await program.exited).toBe(1);
      expect(program.stderr()).toBe(
        `Cannot listen on 127.0.0.1:${port}: the port is already in use. Stop the program that uses it, or set ${variable} to another port (0 = any free one).\n`,
      );
      other.close();
    },
  );

  it('reports that this machine does not have the address', async () => {
    const program = await run({ env: { HOST: '203.0.113.1' } });
    expect(await program.exited).toBe(1);
    expect(program.stderr()).toContain(
      'Cannot listen on 203.0.113.1: this machine does not have this address.',
    );
  });

  it.each([
    ['an error', "process.on('SIGWINCH', () => { throw new Error('boom') })"],
    ['a rejection', "process.on('SIGWINCH', () => Promise.reject(new Error('boom')))"],
  ])('logs %s that was not caught, and exits with 1', async (_title, code) => {
    const program = await run({
      nodeOptions: ['--import', `data:text/javascript,${encodeURIComponent(code)}`],
    });
    await program.listening();
    program.process.kill('SIGWINCH');
    expect(await program.exited).toBe(1);
    expect(program.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'exiting after an unexpected error',
      err: { type: 'Error', message: 'boom', stack: expect.any(String) },
    });
  });
});
