import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

interface Row {
  readonly threat: string;
  readonly defence: string;
  readonly files: readonly { readonly path: string; readonly titles: readonly string[] }[];
}

/** The table of SECURITY.md; each file with the titles that follow it. */
function readRows(text: string): Row[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(1).map((line) => {
    const [threat = '', defence = '', tried = ''] = line.slice(2, -2).split(' | ');
    const files = tried.split('; [').map((part) => ({
      path: /\]\(([^)]+)\)/.exec(part)?.[1] ?? '',
      titles: [...part.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, title = '']) =>
        title.replaceAll('\\"', '"'),
      ),
    }));
    return { threat, defence, files };
  });
}

/** The strings of a test, as they are written there, that may be titles. */
function stringsOf(code: string): Set<string> {
  const written = code.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/g);
  return new Set([...written].map(([, single, double]) => single ?? double ?? ''));
}

const rows = readRows(await read('SECURITY.md'));

describe('the table in SECURITY.md', () => {
  it('is there, and has a defence for every threat', () => {
    expect(rows.length).toBeGreaterThan(25);
    for (const { threat, defence } of rows) expect([threat, defence]).not.toContain('');
    expect(new Set(rows.map(({ threat }) => threat)).size).toBe(rows.length);
  });

  it.each(rows)('names tests that there are: $threat', async ({ files }) => {
    for (const { path, titles } of files) {
      const code = await read(path);
      if (path.endsWith('.test.ts')) expect(code).not.toMatch(/\b(it|describe)\.(skip|todo|only)\b/);
      else expect(titles.length).toBeGreaterThan(0);
      for (const title of titles) expect(stringsOf(code)).toContain(title);
    }
  });
});
