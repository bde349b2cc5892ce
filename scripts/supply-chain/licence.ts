/** What a package.json may say of its licence: an SPDX expression, or one of the two forms that npm has dropped. */
export interface LicenceFields {
  readonly license?: unknown;
  readonly licenses?: unknown;
}

/** The SPDX expressions that it says, any one of which the user may choose; none where it says nothing. */
export function readLicences({ license, licenses }: LicenceFields): string[] {
  return [license ?? licenses ?? []]
    .flat()
    .map((one: string | { readonly type?: unknown }) => (typeof one === 'string' ? one : String(one.type)));
}

/**
 * Whether an SPDX expression (SPDX 2.3, annex D) lets itself be met by licences of the list alone. What is no expression is not
 * met, nor is one with an exception (WITH), which no list here names.
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
