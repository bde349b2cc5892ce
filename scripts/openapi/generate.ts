import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { Document, visit } from 'yaml';
import { registerRoutes } from '../../src/http/app.ts';
import { createInstance } from '../../src/http/instance.ts';
import { type Operation, operations } from '../../src/operations.ts';
import { createReadiness } from '../../src/resilience/readiness.ts';
import { buildDocument, type DescribedRoute } from './document.ts';

/** Generates the committed documents from the schemas of the routes, by file name. */
export async function generateDocuments(
  served: readonly Operation[] = operations,
): Promise<Record<'openapi.json' | 'openapi.yaml', string>> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  const document = buildDocument(await collectRoutes(served), version);
  const json = JSON.stringify(document, undefined, 2);
  return {
    'openapi.json': `${escapeInvisible(json)}\n`,
    'openapi.yaml': escapeInvisible(toYaml(JSON.parse(json))),
  };
}

async function collectRoutes(served: readonly Operation[]): Promise<readonly DescribedRoute[]> {
  const routes: DescribedRoute[] = [];
  const app = createInstance(pino({ level: 'silent' }));
  app.addHook('onRoute', ({ method, url, schema }) => {
    // Fastify adds HEAD to each GET.
    if (method !== 'HEAD')
      routes.push({ method: String(method), path: url, schema: schema as DescribedRoute['schema'] });
  });
  await registerRoutes(app, { operations: served, readiness: createReadiness() });
  await app.close();
  return routes;
}

// All invisible characters except the space and the line breaks of the file.
const invisible = /(?![ \n])(?=[\0-\uFFFF])[\p{C}\p{Z}]/gu;

/**
 * Escapes characters that an editor does not show. The form is valid in JSON and in a double-quoted string of YAML. A parser of YAML 1.1
 * would take U+2028 for a line break.
 */
function escapeInvisible(text: string): string {
  return text.replace(
    invisible,
    (character) => `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

function toYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1' });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && node.value.search(invisible) !== -1) node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 120 });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, text] of Object.entries(await generateDocuments()))
    await writeFile(new URL(`../../openapi/${name}`, import.meta.url), text);
}
