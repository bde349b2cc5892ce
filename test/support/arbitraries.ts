import fc from 'fast-check';

const codePoint = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xd7ff }) },
  { weight: 2, arbitrary: fc.integer({ min: 0xe000, max: 0x10ffff }) },
);

/**
 * Texts of any code points except surrogates. fast-check's own unit `binary` builds a table of all code points first, which takes longer
 * than the tests that use it.
 */
export function unicodeText(maxLength = 10): fc.Arbitrary<string> {
  return fc.array(codePoint, { maxLength }).map((points) => String.fromCodePoint(...points));
}
