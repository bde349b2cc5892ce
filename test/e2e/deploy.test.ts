import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';

const lacking = missing('docker-compose');
const compose = fileURLToPath(new URL('../../deploy/compose.yaml', import.meta.url));

describe.skipIf(lacking)(`Compose${lacking ? `: ${lacking}` : ''}`, () => {
  it('accepts its file', async () => {
    const { code, stdout, stderr } = await run('docker-compose', ['-f', compose, 'config']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toContain('greet');
  });
});
