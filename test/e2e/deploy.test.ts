import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';

const lacking = missing('haproxy');
const haproxy = fileURLToPath(new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url));

describe.skipIf(lacking)(`HAProxy${lacking ? `: ${lacking}` : ''}`, () => {
  it('takes its configuration', async () => {
    const { code, stdout } = await run('haproxy', ['-c', '-f', haproxy]);
    expect(stdout).toContain('Configuration file is valid');
    expect(code).toBe(0);
  });
});
