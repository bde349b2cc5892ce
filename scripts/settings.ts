import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const root = new URL('../', import.meta.url);

/** Generates `docs/settings.md` from the comments and values in `.env.example`. */
export async function generateSettings(): Promise<string> {
  const lines = (await readFile(new URL('.env.example', root), 'utf8')).split('\n');
  const sections: { title: string; rows: string[] }[] = [];
  let comment: string[] = [];
  for (const line of lines) {
    const [, title] = /^# --- (.+)$/.exec(line) ?? [];
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
    if (title !== undefined) sections.push({ title, rows: [] });
    else if (name !== undefined) {
      const words = comment.join(' ').replaceAll('|', '\\|');
      sections.at(-1)?.rows.push(`| \`${name}\` | ${value ? `\`${value}\`` : 'none'} | ${words} |`);
    }
    comment = line.startsWith('# ') && title === undefined ? [...comment, line.slice(2)] : [];
  }
  const tables = sections.map(
    ({ title, rows }) =>
      `## ${title}\n\n| variable | default | meaning |\n|---|---|---|\n${rows.join('\n')}\n`,
  );
  return [
    '# Settings\n',
    'Set these in the environment, or in a file `.env` in the working directory. The environment wins. An empty variable counts as unset. If a value',
    'is not valid, the service lists all errors and exits with 1. It warns of a variable whose name is almost one of these.\n',
    'This page is made from [.env.example](../.env.example) by `npm run settings`.\n',
    ...tables,
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await writeFile(new URL('docs/settings.md', root), await generateSettings());
