/** The expected result for each name. The tests of HTTP, gRPC, the clients and the command all use this table. */
export interface Case {
  readonly title: string;
  readonly name: string;
  /** The greeting, or else all errors, word for word. */
  readonly greeting?: string;
  readonly faults?: readonly string[];
}

const required = 'is required: 1 to 100 characters, not counting white space around them';
const control = (found: string) => `must not contain control characters, got ${found}`;
const separator = (found: string) => `must not contain line or paragraph separators, got ${found}`;
const bidi = (found: string) =>
  `must not contain bidirectional overrides, embeddings or isolates, got ${found}`;
const tooLong = (length: number) => `must have at most 100 characters, got ${length}`;

export const cases: readonly Case[] = [
  { title: 'a plain name', name: 'Alice', greeting: 'Hello, Alice' },
  { title: 'one character', name: 'A', greeting: 'Hello, A' },
  { title: 'accents', name: 'Zoë Müller', greeting: 'Hello, Zoë Müller' },
  { title: 'a decomposed accent, as it is', name: 'Zoe\u0308', greeting: 'Hello, Zoe\u0308' },
  { title: 'Han', name: '世界', greeting: 'Hello, 世界' },
  { title: 'Arabic', name: 'مرحبا', greeting: 'Hello, مرحبا' },
  { title: 'Hebrew with a right-to-left mark', name: 'שלום\u200F', greeting: 'Hello, שלום\u200F' },
  { title: 'a family emoji with joiners', name: '👨‍👩‍👧‍👦', greeting: 'Hello, 👨‍👩‍👧‍👦' },
  { title: 'a flag', name: '🇫🇷', greeting: 'Hello, 🇫🇷' },
  { title: 'a Devanagari conjunct with a zero width joiner', name: 'क्‍ष', greeting: 'Hello, क्‍ष' },
  { title: 'a Persian word with a zero width non-joiner', name: 'می‌خواهم', greeting: 'Hello, می‌خواهم' },
  {
    title: 'mark-up, which text and JSON have no need to escape',
    name: '<b>"&\'</b>',
    greeting: 'Hello, <b>"&\'</b>',
  },
  { title: 'percent and plus signs', name: '100%+1', greeting: 'Hello, 100%+1' },
  { title: 'a backslash and braces', name: '\\{0}', greeting: 'Hello, \\{0}' },
  { title: 'an object member that JavaScript knows', name: '__proto__', greeting: 'Hello, __proto__' },
  { title: 'spaces within', name: 'Ada  Lovelace', greeting: 'Hello, Ada  Lovelace' },
  { title: 'spaces around', name: '  Alice \u00A0', greeting: 'Hello, Alice' },
  { title: 'line breaks around', name: '\r\n\tAlice\n', greeting: 'Hello, Alice' },
  { title: 'a private use character', name: '\uE000', greeting: 'Hello, \uE000' },
  { title: 'a noncharacter', name: '\uFFFE', greeting: 'Hello, \uFFFE' },
  { title: 'a replacement character', name: '\uFFFD', greeting: 'Hello, \uFFFD' },
  { title: 'the last code point', name: '\u{10FFFF}', greeting: 'Hello, \u{10FFFF}' },
  { title: '100 letters', name: 'a'.repeat(100), greeting: `Hello, ${'a'.repeat(100)}` },
  { title: '100 emoji', name: '😀'.repeat(100), greeting: `Hello, ${'😀'.repeat(100)}` },
  {
    title: '100 letters and spaces around',
    name: ` ${'a'.repeat(100)} `,
    greeting: `Hello, ${'a'.repeat(100)}`,
  },
  { title: 'nothing', name: '', faults: [required] },
  { title: 'only white space', name: ' \t\u3000', faults: [required] },
  { title: '101 letters', name: 'a'.repeat(101), faults: [tooLong(101)] },
  { title: '101 emoji', name: '😀'.repeat(101), faults: [tooLong(101)] },
  { title: 'a NUL', name: '\u0000', faults: [control('U+0000')] },
  { title: 'a line feed within', name: 'Alice\nBob', faults: [control('U+000A')] },
  { title: 'a forged header', name: 'Alice\r\nSet-Cookie: a=b', faults: [control('U+000D')] },
  { title: 'an escape sequence', name: '\u001B[31mred', faults: [control('U+001B')] },
  { title: 'a delete', name: 'a\u007Fb', faults: [control('U+007F')] },
  { title: 'a C1 control', name: 'a\u0085b', faults: [control('U+0085')] },
  { title: 'a line separator', name: 'a\u2028b', faults: [separator('U+2028')] },
  { title: 'a paragraph separator', name: 'a\u2029b', faults: [separator('U+2029')] },
  { title: 'a right-to-left override', name: 'a\u202Eb', faults: [bidi('U+202E')] },
  { title: 'an isolate', name: '\u2066a\u2069', faults: [bidi('U+2066')] },
  {
    title: 'everything at once',
    name: `${'a'.repeat(98)}\u0007\u2028\u202A`,
    faults: [tooLong(101), control('U+0007'), separator('U+2028'), bidi('U+202A')],
  },
];
