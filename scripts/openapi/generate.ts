import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import swagger from '@fastify/swagger';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { registerRoutes } from '../../src/http/app.ts';
import { createInstance } from '../../src/http/instance.ts';
import { operations } from '../../src/operations.ts';
import { createReadiness } from '../../src/resilience/readiness.ts';
import { openApiOptions } from './document.ts';

/** The document as it should be committed, by file name, made from the schemas of the routes. */
export async function generateDocuments(): Promise<Record<'openapi.json' | 'openapi.yaml', string>> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  const app = createInstance(pino({ level: 'silent' }));
  await app.register(swagger, openApiOptions(version));
  await registerRoutes(app, { operations, readiness: createReadiness() });
  await app.ready();
  const document = app.swagger();
  for (const operations of Object.values(document.paths ?? {}))
    for (const { responses } of Object.values(operations) as Operation[])
      for (const { headers = {} } of Object.values(responses)) markRequired(headers);
  return {
    'openapi.json': `${JSON.stringify(document, undefined, 2)}\n`,
    'openapi.yaml': stringify(JSON.parse(JSON.stringify(document)), {
      aliasDuplicateObjects: false,
      lineWidth: 120,
    }),
  };
}

interface Operation {
  readonly responses: Record<string, { readonly headers?: Record<string, Header> }>;
}
interface Header {
  required?: boolean;
  schema: { readonly required?: boolean };
}

/** A header is always sent unless the route says otherwise, which the generator takes for a rule about the header's value. */
function markRequired(headers: Record<string, Header>): void {
  for (const header of Object.values(headers)) {
    const { required = true, ...schema } = header.schema;
    Object.assign(header, { required, schema });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const documents = await generateDocuments();
  for (const [name, text] of Object.entries(documents))
    await writeFile(new URL(`../../openapi/${name}`, import.meta.url), text);
}
