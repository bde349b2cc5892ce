import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The needs of a console block that the tests cannot meet. A comment before the block names them: `<!-- needs: docker -->`. */
export const requirements = ['browser', 'docker', 'kubernetes', 'systemd', 'minutes'] as const;

export interface ConsoleBlock {
  /** The file and the line, such as `README.md:17`. */
  readonly place: string;
  readonly needs?: string;
  /** Programs that its scripts call, in addition to those in its commands: `<!-- tools: go -->`. */
  readonly tools: readonly string[];
  /** The settings of the service for the block: `<!-- settings: RATE_LIMIT_MAX=1 -->`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly entries: readonly { readonly command: string; readonly output: string }[];
}

const skipped = ['node_modules', 'dist', 'build', '.git'];

/** All Markdown files of the repository, as paths from its root. */
export async function listDocuments(folder = ''): Promise<string[]> {
  const entries = await readdir(root + folder, { withFileTypes: true });
  const found = entries.map((entry) => {
    const path = folder + entry.name;
    if (entry.isDirectory() && !skipped.includes(entry.name)) return listDocuments(`${path}/`);
    return entry.isFile() && path.endsWith('.md') ? [path] : [];
  });
  return (await Promise.all(found)).flat().sort();
}

export const readDocument = (path: string): Promise<string> => readFile(`${root}${path}`, 'utf8');

/** Reads each console block of a document: its commands (`$ `, continued by a backslash) and the output of each. */
export function readConsoleBlocks(path: string, text: string): ConsoleBlock[] {
  const blocks = text.matchAll(/(?:^<!-- (needs|tools|settings): ([^\n]*) -->\n)?^```console\n(.*?)^```$/gms);
  return [...blocks].map(({ index, 1: kind, 2: value = '', 3: code = '' }) => ({
    place: `${path}:${text.slice(0, index).split('\n').length}`,
    ...(kind === 'needs' && { needs: value }),
    tools: kind === 'tools' ? value.split(' ') : [],
    settings: Object.fromEntries(
      kind === 'settings' ? value.split(' ').map((pair) => pair.split('=') as [string, string]) : [],
    ),
    entries: code
      .split(/^\$ /m)
      .slice(1)
      .map((entry) => {
        const [, command = '', output = ''] = /^((?:[^\n]*\\\n)*[^\n]*)\n(.*)$/s.exec(entry) ?? [];
        return { command, output };
      }),
  }));
}

/** The anchors that GitHub makes from the headings of a page. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  for (const [, heading = ''] of prose.matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}
