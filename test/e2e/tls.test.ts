import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';
import { type Program, runProgram } from '../support/program.ts';
import { createTlsFolder, type TlsFolder } from '../support/tls.ts';

const lacking = missing('curl', 'openssl');

describe.skipIf(lacking)(`TLS with other clients${lacking ? `: ${lacking}` : ''}`, () => {
  let folder: TlsFolder;
  let program: Program;
  let urls: Awaited<ReturnType<Program['listening']>>;
  beforeAll(async () => {
    folder = await createTlsFolder();
    program = await runProgram({ env: { ...folder.env, HOST: '127.0.0.1' } });
    urls = await program.listening();
  });
  afterAll(async () => {
    await program.dispose();
    await folder.dispose();
  });

  const curl = (...args: string[]) => run('curl', ['-sS', '--max-time', '10', ...args]);

  it.each(['1.1', '2'])('serves curl over HTTP/%s, including the largest file', async (version) => {
    const trusting = [`--http${version}`, '--cacert', folder.clientCaFile];
    const seen = ['-w', ' %{http_version} %{http_code}'];
    expect((await curl(...trusting, ...seen, `${urls.http}/greet?name=Alice`)).stdout).toBe(
      `Hello, Alice ${version} 200`,
    );
    const bundle = `${urls.http}/docs/static/swagger-ui-bundle.js`;
    const size = (await curl(...trusting, '-o', '/dev/null', '-w', '%{size_download}', bundle)).stdout;
    expect(Number(size)).toBeGreaterThan(1_000_000);
    const head = (await curl(...trusting, '-I', bundle)).stdout;
    expect(head).toContain(`content-length: ${size}`);
    expect((await curl(...trusting, '-X', 'POST', '-d', 'a=b', `${urls.http}/greet`)).stdout).toContain(
      '"status":405',
    );
  });

  it('is refused by a client that does not know its authority', async () => {
    expect((await curl(`${urls.http}/greet?name=Alice`)).code).toBe(60);
  });

  it.each([
    ['http', '-tls1', false],
    ['http', '-tls1_1', false],
    ['http', '-tls1_2', true],
    ['http', '-tls1_3', true],
    ['grpc', '-tls1_1', false],
    ['grpc', '-tls1_2', true],
  ] as const)('answers openssl on %s with %s: %s', async (door, version, isAnswered) => {
    const address = urls[door].replace('https://', '');
    const { stdout } = await run('openssl', [
      's_client',
      '-connect',
      address,
      version,
      ...['-cipher', 'DEFAULT@SECLEVEL=0', '-alpn', 'h2', '-CAfile', folder.clientCaFile],
    ]);
    expect(stdout.includes('Verify return code: 0 (ok)') && stdout.includes('ALPN protocol: h2')).toBe(
      isAnswered,
    );
  });
});
