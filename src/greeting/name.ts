import * as z from 'zod';

/** The longest name, in Unicode code points. White space around it is not counted. */
export const maxNameLength = 100;

const required = `is required: 1 to ${maxNameLength} characters, not counting white space around them`;

/** Characters that a name must not contain, in the order in which faults are listed. */
const forbidden = [
  { what: 'control characters', pattern: /\p{Cc}/u },
  { what: 'line or paragraph separators', pattern: /[\p{Zl}\p{Zp}]/u },
  { what: 'bidirectional overrides, embeddings or isolates', pattern: /[\u202A-\u202E\u2066-\u2069]/u },
  { what: 'lone surrogates', pattern: /\p{Cs}/u },
] as const;

// One test covers the whole list, because most names are valid. The list is for the messages.
const anyForbidden = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202A-\u202E\u2066-\u2069]/u;

function listFaults(name: string): string[] {
  if (name === '') return [required];
  const faults: string[] = [];
  // A code point takes one or two UTF-16 units, so a string this short needs no counting.
  if (name.length > maxNameLength) {
    const length = [...name].length;
    if (length > maxNameLength) faults.push(`must have at most ${maxNameLength} characters, got ${length}`);
  }
  if (!anyForbidden.test(name)) return faults;
  for (const { what, pattern } of forbidden) {
    const found = pattern.exec(name)?.[0].codePointAt(0);
    if (found !== undefined) faults.push(`must not contain ${what}, got U+${hex(found)}`);
  }
  return faults;
}

function hex(codePoint: number): string {
  return codePoint.toString(16).toUpperCase().padStart(4, '0');
}

// ECMAScript's white space and line terminators, which String.prototype.trim removes (ECMA-262, section 22.1.3.32).
const space = '\\x09-\\x0D\\x20\\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF';
const never = '\\x00-\\x1F\\x7F-\\x9F\u2028-\u202E\u2066-\u2069';

/**
 * The same rule as one pattern over the untrimmed text, for the OpenAPI document. It accepts exactly the well-formed strings that
 * {@link nameSchema} accepts, in ECMA-262 (`u` flag), in RE2 (Go), in Rust's `regex`, and in Python, Java and .NET. So it writes characters
 * below U+0100 as `\xHH` and all others as they are: RE2 and Rust refuse `\uHHHH`, and not every engine knows `\p{}`. Java must match the
 * whole text, as Bean Validation does: its `find` also takes a final U+0085, because Java's `$` matches before a line terminator.
 */
export const namePattern = `^[${space}]*[^${space}${never}](?:[^${never}]{0,${maxNameLength - 2}}[^${space}${never}])?[${space}]*$`;

/**
 * A name to greet. White space around it is trimmed; 1 to 100 code points must remain, none of them a control character, a line or
 * paragraph separator, a bidirectional override or a lone surrogate. Every other character is kept. Each fault is one issue, in words
 * that are safe to send to the client.
 */
export const nameSchema = z
  .string({
    error: ({ input }) =>
      Array.isArray(input) ? `must be given once, got ${input.length} values` : required,
  })
  .trim()
  .check((ctx) => {
    for (const message of listFaults(ctx.value)) {
      ctx.issues.push({ code: 'custom', input: ctx.value, message });
    }
  })
  .meta({
    description:
      `Who to greet. White space around the name is ignored; 1 to ${maxNameLength} characters (Unicode code points) must remain. ` +
      'Control characters, line and paragraph separators and bidirectional overrides are refused; all other characters are returned unchanged.',
    pattern: namePattern,
    examples: ['Alice', 'Zoë', '世界', '👩‍👩‍👧'],
  });
