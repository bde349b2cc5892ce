import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');

interface Row {
  readonly threat: string;
  readonly defence: string;
  readonly files: readonly { readonly path: string; readonly titles: readonly string[] }[];
}

/** The rows of all tables in SECURITY.md, with the test titles after each file. */
function readRows(text: string): Row[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat |'));
  return lines.map((line) => {
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

/** The strings in the code of a test, which include its titles. */
function stringsOf(code: string): Set<string> {
  const written = code.matchAll(/'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/g);
  return new Set([...written].map(([, single, double]) => single ?? double ?? ''));
}

const rows = readRows(await read('SECURITY.md'));

describe('the tables in SECURITY.md', () => {
  it('name a defence for every threat, each threat once', () => {
    expect(rows.length).toBeGreaterThan(35);
    for (const { threat, defence } of rows) expect([threat, defence]).not.toContain('');
    expect(new Set(rows.map(({ threat }) => threat)).size).toBe(rows.length);
  });

  it.each(rows)('name tests that exist: $threat', async ({ files }) => {
    for (const { path, titles } of files) {
      const code = await read(path);
      if (path.endsWith('.test.ts')) expect(code).not.toMatch(/\b(it|describe)\.(skip|todo|only)\b/);
      else expect(titles.length).toBeGreaterThan(0);
      for (const title of titles) expect(stringsOf(code)).toContain(title);
    }
  });
});
