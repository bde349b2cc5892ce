/** The licence fields of a package.json: an SPDX expression, or one of two forms that npm no longer supports. */
export interface LicenceFields {
  readonly license?: unknown;
  readonly licenses?: unknown;
}

/** The SPDX expressions of a package; the user may choose any of them. Empty if it names no licence. */
export function readLicences({ license, licenses }: LicenceFields): string[] {
  return [license ?? licenses ?? []]
    .flat()
    .map((one: string | { readonly type?: unknown }) => (typeof one === 'string' ? one : String(one.type)));
}

/**
 * True if licences of the list are enough to meet an SPDX expression (SPDX 2.3, annex D). False for a text that is no expression, and for
 * an exception (WITH), which no list here contains.
 */
export function isAllowed(expression: string, licences: readonly string[]): boolean {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  const operators = ['AND', 'OR', 'WITH', '(', ')'];
  let isWhole = true;

  const readOr = (): boolean => {
    let met = readAnd();
    while (tokens[0] === 'OR') {
      tokens.shift();
      met = readAnd() || met;
    }
    return met;
  };
  const readAnd = (): boolean => {
    let met = readOne();
    while (tokens[0] === 'AND') {
      tokens.shift();
      met = readOne() && met;
    }
    return met;
  };
  const readOne = (): boolean => {
    const token = tokens.shift();
    if (token === '(') {
      const met = readOr();
      isWhole &&= tokens.shift() === ')';
      return met;
    }
    isWhole &&= token !== undefined && !operators.includes(token);
    return licences.includes(token ?? '');
  };

  const met = readOr();
  return met && isWhole && tokens.length === 0;
}
