import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import swagger from '@fastify/swagger';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { registerRoutes } from '../src/http/app.ts';
import { createInstance } from '../src/http/instance.ts';
import { openApiOptions } from '../src/http/openapi.ts';
import { createReadiness } from '../src/readiness.ts';

/** The document as it should be committed, by file name, made from the schemas of the routes. */
export async function generateDocuments(): Promise<Record<'openapi.json' | 'openapi.yaml', string>> {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const app = createInstance(pino({ level: 'silent' }));
  await app.register(swagger, openApiOptions(version));
  await registerRoutes(app, { readiness: createReadiness() });
  await app.ready();
  const document = app.swagger();
  return {
    'openapi.json': `${JSON.stringify(document, undefined, 2)}\n`,
    'openapi.yaml': stringify(JSON.parse(JSON.stringify(document)), {
      aliasDuplicateObjects: false,
      lineWidth: 120,
    }),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, text] of Object.entries(await generateDocuments())) {
    await writeFile(new URL(name, import.meta.url), text);
    console.log(`wrote openapi/${name}`);
  }
}
