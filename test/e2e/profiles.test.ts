import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { missing, start } from '../support/command.ts';
import { freePort } from '../support/ports.ts';
import { type LogLine, testEnvironment, until } from '../support/service.ts';

const entry = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const lacking = process.getuid?.() === 0 ? missing('unshare', 'mount') : 'it takes root to mount';

/** V8 needs several seconds of CPU time for the snapshot, and the machine may be busy. */
const timeoutMs = 600_000;

describe.skipIf(lacking)(`The program on a read-only file system${lacking ? `: ${lacking}` : ''}`, () => {
  it('returns a valid CPU profile and heap snapshot, and writes no file', {
    timeout: timeoutMs,
  }, async () => {
    const [http, admin] = [await freePort(), await freePort()];
    const readOnly =
      'mount --make-rprivate / && mount -o remount,ro,bind / && ! touch /tmp/writable && exec "$@"';
    const program = start('unshare', ['--mount', 'sh', '-c', readOnly, 'sh', process.execPath, entry], {
      env: {
        PATH: process.env.PATH,
        ...testEnvironment,
        HOST: '127.0.0.1',
        PORT: String(http),
        ADMIN_PORT: String(admin),
        ADMIN_PROFILES: 'on',
      },
    });
    onTestFinished(() => void program.process.kill('SIGKILL'));
    await until(() => program.stdout().includes('listening'));
    const greet = async () => (await fetch(`http://127.0.0.1:${http}/greet?name=Alice`)).text();
    const take = async (kind: string, body: object) => {
      const response = await fetch(`http://127.0.0.1:${admin}/profiles/${kind}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
      return { type: response.headers.get('content-type'), bytes: Buffer.from(await response.arrayBuffer()) };
    };

    const taking = take('cpu', { seconds: 2 });
    for (let count = 0; count < 50; count += 1) expect(await greet()).toBe('Hello, Alice');
    const profile = JSON.parse((await taking).bytes.toString());
    const names = profile.nodes.map(
      (node: { callFrame: { functionName: string } }) => node.callFrame.functionName,
    );
    expect(names).toContain('(root)');

    const { type, bytes } = await take('heap', {});
    expect(type).toBe('application/gzip');
    const { snapshot, nodes, edges, strings } = JSON.parse(gunzipSync(bytes).toString());
    expect(nodes).toHaveLength(snapshot.node_count * snapshot.meta.node_fields.length);
    expect(edges).toHaveLength(snapshot.edge_count * snapshot.meta.edge_fields.length);
    expect(strings).toContain('handleOperation');
    expect(await greet()).toBe('Hello, Alice');

    program.process.kill('SIGTERM');
    const { code, stdout, stderr } = await program.result;
    expect(stderr.replace(/^touch: .*\n/, '')).toBe('');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as LogLine);
    expect(lines.filter(({ msg }) => msg === 'a profile was taken')).toEqual([
      expect.objectContaining({ level: 'warn', kind: 'cpu', client: '127.0.0.1' }),
      expect.objectContaining({ level: 'warn', kind: 'heap', client: '127.0.0.1', bytes: bytes.length }),
    ]);
  });
});
