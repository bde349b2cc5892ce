/** A variable that nothing reads, and the one that was probably meant. */
export interface Misspelling {
  readonly found: string;
  readonly meant: string;
}

/**
 * Finds variables whose names are almost those of settings: a few edits away, in another case, with the first or last words missing, or with
 * another last word. Short names are close to many words (`HOME` is one edit from `HOST`), so they allow fewer edits.
 */
export function findMisspellings(found: readonly string[], ours: readonly string[]): readonly Misspelling[] {
  const known = new Set(ours);
  return found
    .filter((name) => !known.has(name) && !othersVariables.test(name))
    .flatMap((name) => {
      const meant = ours.find((own) => isAlmost(name.toUpperCase(), own));
      return meant === undefined ? [] : [{ found: name, meant }];
    });
}

/** Variables of OpenTelemetry and OpenSSL, which have their own readers. */
const othersVariables = /^(?:OTEL_|SSL_CERT_)/;

function isAlmost(name: string, own: string): boolean {
  if (own.startsWith('OTEL_')) return false;
  const hasWordsMissing = name.includes('_') && (own.startsWith(`${name}_`) || own.endsWith(`_${name}`));
  const [words, ownWords] = [name.split('_'), own.split('_')];
  const hasOtherEnd = ownWords.length > 2 && String(words.slice(0, -1)) === String(ownWords.slice(0, -1));
  return hasWordsMissing || hasOtherEnd || editsBetween(name, own) <= maxEdits(own);
}

function maxEdits({ length }: string): number {
  if (length < 6) return 0;
  if (length < 10) return 1;
  return length < 14 ? 2 : 3;
}

/** The Levenshtein distance, in which two swapped neighbours count as one edit. */
function editsBetween(one: string, other: string): number {
  const rows = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    const above = rows[row - 1] as number[];
    for (let column = 1; column <= other.length; column += 1) {
      const isSame = one[row - 1] === other[column - 1];
      const isExchanged = one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current.push(
        Math.min(
          (above[column] as number) + 1,
          (current[column - 1] as number) + 1,
          (above[column - 1] as number) + (isSame ? 0 : 1),
          isExchanged ? (rows[row - 2]?.[column - 2] ?? Infinity) + 1 : Infinity,
        ),
      );
    }
    rows.push(current);
  }
  return rows.at(-1)?.at(-1) ?? Infinity;
}
