import { access } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  anchorsOf,
  listDocuments,
  readConsoleBlocks,
  readDocument,
  requirements,
  root,
} from './support/documents.ts';

const documents = await listDocuments();
const { scripts } = JSON.parse(await readDocument('package.json')) as { scripts: Record<string, string> };

/** Removes blocks and spans of code, in which brackets are not links. */
const proseOf = (text: string) => text.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');

describe('the Markdown files', () => {
  it('are all found', () => {
    expect(documents).toEqual(
      expect.arrayContaining([
        'README.md',
        'SECURITY.md',
        'docs/operating.md',
        'examples/README.md',
        'scripts/client-package/README.md',
        'src/net/README.md',
      ]),
    );
  });

  it.each(documents)('link to files and headings that exist: %s', async (path) => {
    const text = proseOf(await readDocument(path));
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/(?:src|href)="([^"]+)"/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^[a-z]+:/.test(target));
    for (const target of targets) {
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : normalize(join(dirname(path), file));
      await expect(access(join(root, linked)), `${target} is not there`).resolves.toBeUndefined();
      if (anchor !== undefined && linked.endsWith('.md'))
        expect(anchorsOf(await readDocument(linked)), target).toContain(anchor);
    }
  });

  it.each(documents)('name npm scripts that exist: %s', async (path) => {
    const named = [...(await readDocument(path)).matchAll(/npm (?:run (?:-s )?)([\w:-]+)/g)];
    for (const [, name = ''] of named) expect(Object.keys(scripts)).toContain(name);
  });

  it.each(documents)('name the needs of a console block by words that the tests know: %s', async (path) => {
    const text = await readDocument(path);
    for (const { place, needs, entries } of readConsoleBlocks(path, text)) {
      expect(entries.length, place).toBeGreaterThan(0);
      if (needs !== undefined) expect(requirements, place).toContain(needs);
    }
    const comments = text.match(/^<!-- (?:needs|tools|settings): /gm) ?? [];
    const used = text.match(/^<!-- (?:needs|tools|settings): .* -->\n```console$/gm) ?? [];
    expect(used.length, 'each comment is directly before its block').toBe(comments.length);
  });
});

describe('docs/architecture.md', () => {
  it('names files and folders that exist', async () => {
    const text = await readDocument('docs/architecture.md');
    // The example of a new endpoint names files that do not exist.
    const paths = [...text.matchAll(/`((?:src|deploy|test|proto)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(25);
    for (const path of paths.filter((name) => !name.includes('farewell')))
      await expect(access(join(root, path)), path).resolves.toBeUndefined();
  });
});

describe('docs/observing.md', () => {
  it('lists every metric that the service defines, and no other', async () => {
    const text = await readDocument('docs/observing.md');
    const table = text.slice(text.indexOf('| metric |'), text.indexOf('No label contains'));
    const listed = [...table.matchAll(/`((?:http|rpc|greet)_[a-z_]+)`/g)].map(([, name]) => name);
    const code =
      (await readDocument('src/telemetry/metrics.ts')) +
      (await readDocument('src/telemetry/certificates.ts'));
    const defined = [...code.matchAll(/'((?:http|rpc|greet)_[a-z_]+)'/g)].map(([, name]) => name);
    expect(defined.length).toBeGreaterThan(8);
    expect(listed.sort()).toEqual(defined.sort());
  });
});

describe('docs/testing.md', () => {
  it('lists every npm script that runs tests', async () => {
    const listed = [...(await readDocument('docs/testing.md')).matchAll(/^\| `npm (?:run )?([\w:-]+)` /gm)];
    const suites = Object.keys(scripts).filter((name) =>
      /^(test|check|proof|fuzz|abuse|soak|supply-chain|bench:budget)/.test(name),
    );
    expect(listed.map(([, name]) => name).sort()).toEqual(suites.sort());
  });
});
