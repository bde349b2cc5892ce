import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxNameLength, namePattern, nameSchema } from '../../src/greeting/name.ts';
import { cases } from '../cases.ts';

const faultsOf = (name: unknown) => nameSchema.safeParse(name).error?.issues.map(({ message }) => message);

/** Any Unicode text, with more of the characters that the rules mention. */
const anyText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        ' ',
        '\n',
        '\u2028',
        '\u202E',
        '\u2069',
        '\uD800',
        '\uDC00',
        '\uFEFF',
        '\u0085',
        '\u200D',
        '👩‍👩‍👧',
      ),
      fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
      fc.integer({ min: 90, max: 110 }).map((count) => 'é'.repeat(count)),
      fc.integer({ min: 95, max: 105 }).map((count) => '😀'.repeat(count)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** The rules for a name, written in another way than in the code: code point by code point. */
function isGreetable(text: string): boolean {
  const points = [...text.trim()].map((character) => character.codePointAt(0) ?? 0);
  const isForbidden = (point: number) =>
    point < 0x20 ||
    (point >= 0x7f && point < 0xa0) ||
    (point >= 0x2028 && point <= 0x202e) ||
    (point >= 0x2066 && point <= 0x2069) ||
    (point >= 0xd800 && point < 0xe000);
  return points.length >= 1 && points.length <= maxNameLength && !points.some(isForbidden);
}

describe('nameSchema', () => {
  it.each(cases)('accepts or refuses $title', ({ name, greeting, faults }) => {
    expect(faultsOf(name)).toEqual(faults);
    if (greeting !== undefined) expect(`Hello, ${nameSchema.parse(name)}`).toBe(greeting);
  });

  it.each([
    ['a high surrogate alone', '\uD83D', 'U+D83D'],
    ['surrogates the wrong way round', 'a\uDE00\uD83D', 'U+DE00'],
  ])('refuses %s', (_title, name, found) => {
    expect(faultsOf(name)).toEqual([`must not contain lone surrogates, got ${found}`]);
  });

  it('reports that a missing name is required, and that a repeated one must be given once', () => {
    expect(faultsOf(undefined)).toEqual([
      'is required: 1 to 100 characters, not counting white space around them',
    ]);
    expect(faultsOf(['a', 'b'])).toEqual(['must be given once, got 2 values']);
  });

  it('accepts exactly the valid names, and removes only the white space around them', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const result = nameSchema.safeParse(text);
        expect(result.success).toBe(isGreetable(text));
        if (result.success) expect(result.data).toBe(text.trim());
      }),
      { numRuns: 3_000 },
    );
  });

  it('accepts the same names as its pattern in the OpenAPI document', () => {
    const pattern = new RegExp(namePattern, 'u');
    fc.assert(
      fc.property(anyText, (text) => {
        fc.pre(text.isWellFormed());
        expect(pattern.test(text)).toBe(nameSchema.safeParse(text).success);
      }),
      { numRuns: 3_000 },
    );
  });

  it('takes no longer for a long hostile text than for other texts', () => {
    const pattern = new RegExp(namePattern, 'u');
    const hostile = `${'a '.repeat(50)}${' '.repeat(100_000)}\u0000`;
    expect(pattern.test(hostile)).toBe(false);
    expect(nameSchema.safeParse(hostile).success).toBe(false);
  });
});
