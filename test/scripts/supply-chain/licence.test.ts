import { describe, expect, it } from 'vitest';
import { isAllowed, readLicences } from '../../../scripts/supply-chain/licence.ts';
import { shippedLicences, toolLicences } from '../../../scripts/supply-chain/policy.ts';

describe('a licence', () => {
  it.each([
    'MIT',
    '(MIT)',
    'MIT OR Apache-2.0',
    '(MIT OR Apache-2.0)',
    'MIT AND ISC',
    'GPL-3.0-only OR MIT',
    'MIT OR GPL-3.0-only AND AGPL-3.0-only',
    '((GPL-2.0-only OR ISC) AND (MIT OR WTFPL))',
  ])('may be %s', (expression) => {
    expect(isAllowed(expression, shippedLicences)).toBe(true);
  });

  it.each([
    'GPL-3.0-only',
    'AGPL-3.0-or-later',
    'LGPL-2.1',
    'SSPL-1.0',
    'BUSL-1.1',
    'UNLICENSED',
    'SEE LICENSE IN LICENSE.md',
    'Unknown-1.0',
    'mit',
    'MIT+',
    'MIT WITH Bison-exception-2.2',
    'MIT AND GPL-3.0-only',
    '(MIT OR ISC) AND GPL-3.0-only',
    'GPL-3.0-only AND (MIT OR ISC)',
    'MIT OR',
    'OR MIT',
    'MIT MIT',
    '(MIT',
    'MIT)',
    '()',
    '',
  ])('may not be "%s"', (expression) => {
    expect(isAllowed(expression, toolLicences)).toBe(false);
  });

  it('may require published changes for a tool, but not for a shipped package', () => {
    expect(isAllowed('MPL-2.0', toolLicences)).toBe(true);
    expect(isAllowed('MPL-2.0', shippedLicences)).toBe(false);
  });

  it.each<[unknown, string[]]>([
    [{ license: 'MIT' }, ['MIT']],
    [{ license: { type: 'MIT', url: 'https://example.com' } }, ['MIT']],
    [{ licenses: [{ type: 'MIT' }, { type: 'GPL-2.0' }] }, ['MIT', 'GPL-2.0']],
    [{ licenses: { type: 'MIT' } }, ['MIT']],
    [{ license: ['MIT', 'ISC'] }, ['MIT', 'ISC']],
    [{ license: {} }, ['undefined']],
    [{ license: null }, []],
    [{}, []],
  ])('is read from %j', (fields, expressions) => {
    expect(readLicences(fields as object)).toEqual(expressions);
  });
});
