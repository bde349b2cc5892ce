import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';
import { createTlsFolder } from '../support/tls.ts';

const script = fileURLToPath(new URL('../../deploy/health-check.mjs', import.meta.url));

describe('the health check of the container', () => {
  let program: Program | undefined;
  afterEach(async () => {
    await program?.dispose();
    program = undefined;
  });

  const check = (env: Readonly<Record<string, string>>) => run(process.execPath, [script], { env });
  const portOf = async (running: Program) => new URL((await running.listening()).http).port;

  it('is the check that the image runs, and is part of the image', async () => {
    const read = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8');
    expect(await read('Dockerfile')).toContain('CMD ["node", "deploy/health-check.mjs"]');
    expect((await read('.dockerignore')).split('\n')).toContain('!deploy/health-check.mjs');
  });

  it.each(['localhost', '127.0.0.1', '0.0.0.0', '::', ''])(
    'succeeds if the service listens on "%s"',
    async (host) => {
      program = await runProgram({ env: host ? { HOST: host } : {} });
      const env = { PORT: await portOf(program), ...(host && { HOST: host }) };
      expect(await check(env)).toEqual({ code: 0, stdout: '', stderr: '' });
    },
  );

  it('succeeds over TLS with a certificate for any name', async () => {
    const { env, dispose } = await createTlsFolder();
    program = await runProgram({ env });
    expect(await check({ ...env, PORT: await portOf(program) })).toEqual({ code: 0, stdout: '', stderr: '' });
    await dispose();
  });

  it('fails while the service drains, and prints the reason', async () => {
    program = await runProgram({ env: { DRAIN_DELAY_MS: '5000' } });
    const PORT = await portOf(program);
    program.process.kill('SIGTERM');
    await until(() => program?.lines.some(({ msg }) => msg.startsWith('draining')) ?? false);
    expect(await check({ PORT })).toEqual({
      code: 1,
      stdout: '',
      stderr: 'not ready: /readyz answered 503, expected 200\n',
    });
  });

  it('fails if no process listens, and prints the port', async () => {
    program = await runProgram();
    const PORT = await portOf(program);
    program.process.kill('SIGKILL');
    await program.exited;
    const { code, stderr } = await check({ PORT });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^not ready: .*ECONNREFUSED.*${PORT}`));
  });

  it('fails if the service does not respond', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    const { port } = await new Promise<AddressInfo>((resolve) =>
      server.once('listening', () => resolve(server.address() as AddressInfo)),
    );
    expect(await check({ HOST: '127.0.0.1', PORT: String(port) })).toMatchObject({
      code: 1,
      stderr: `not ready: no answer from port ${port} within 2000 ms\n`,
    });
    server.closeAllConnections();
    server.close();
  });
});
