import { describe, expect, it } from 'vitest';
import { missing, run } from '../support/command.ts';
import { root } from '../support/documents.ts';

const lacking = missing('go');
if (lacking) console.warn(`Left out: ${lacking}`);

describe.skipIf(lacking)('.github/workflows', () => {
  it('have no error according to actionlint', { timeout: 300_000 }, async () => {
    const actionlint = 'github.com/rhysd/actionlint/cmd/actionlint@v1.7.7';
    // actionlint would also call other linters if they were installed. These options turn them off.
    const { code, stdout } = await run('go', ['run', actionlint, '-shellcheck=', '-pyflakes='], {
      cwd: root,
      env: { ...process.env, GOFLAGS: '' },
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});
