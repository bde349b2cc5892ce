import { readFile } from 'node:fs/promises';

/** The section of one alert in docs/runbooks.md. */
export interface Runbook {
  /** Its PromQL queries, one for each block marked `promql`. */
  readonly queries: readonly string[];
  /** The `jq` programs of its log filters, from the blocks marked `jq`. */
  readonly logFilters: readonly string[];
}

/** Reads every section by its heading, which is the name of its alert. */
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
