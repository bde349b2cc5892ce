import { readFile } from 'node:fs/promises';

/** The page of one alert in docs/runbooks.md. */
export interface Runbook {
  /** Its PromQL, from the blocks marked `promql`, one query each. */
  readonly queries: readonly string[];
  /** The `jq` programs of its log filters, from the blocks marked `jq`. */
  readonly logFilters: readonly string[];
}

/** Every page, by the name of its alert, which is its heading. */
export async function readRunbooks(): Promise<ReadonlyMap<string, Runbook>> {
  const text = await readFile(new URL('../../docs/runbooks.md', import.meta.url), 'utf8');
  const pages = text.split(/^## (?=Greet\w+$)/m).slice(1);
  return new Map(
    pages.map((page) => [
      page.slice(0, page.indexOf('\n')),
      { queries: blocksOf(page, 'promql'), logFilters: blocksOf(page, 'jq') },
    ]),
  );
}

function blocksOf(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, code = '']) =>
    code.trim(),
  );
}
