import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a console block may need that the tests do not have. A comment before the block says so: `<!-- needs: docker -->`. */
export const requirements = ['browser', 'docker', 'kubernetes', 'systemd', 'minutes'] as const;

export interface ConsoleBlock {
  /** The file and the line, such as `README.md:17`. */
  readonly place: string;
  readonly needs?: string;
  /** Programs that its scripts call, besides those that its commands name: `<!-- tools: go -->`. */
  readonly tools: readonly string[];
  /** The settings of the service that the block is written for: `<!-- settings: RATE_LIMIT_MAX=1 -->`. */
  readonly settings: Readonly<Record<string, string>>;
  readonly entries: readonly { readonly command: string; readonly output: string }[];
}

/** All Markdown files of the repository, as paths from its root. */
export async function listDocuments(): Promise<string[]> {
  const hidden = ['.github/pull_request_template.md'];
  const files = await readdir(root);
  const folders = files.filter((name) => !['node_modules', 'dist'].includes(name) && !name.startsWith('.'));
  const below = await Promise.all(
    folders
      .filter((name) => !name.includes('.'))
      .map(async (name) =>
        (await readdir(`${root}${name}`, { recursive: true }).catch(() => [])).map(
          (path) => `${name}/${path}`,
        ),
      ),
  );
  return [...folders, ...below.flat(), ...hidden]
    .filter((path) => path.endsWith('.md') && !path.includes('node_modules'))
    .sort();
}

export const readDocument = (path: string): Promise<string> => readFile(`${root}${path}`, 'utf8');

/** Each console block of a document, with its commands (`$ `, continued by a backslash) and the output that is shown for each. */
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

/** The anchors of a page, as GitHub makes them of its headings. */
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
