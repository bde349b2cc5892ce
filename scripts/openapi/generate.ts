import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
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

/** What the client's types say of the document that they were generated from. */
export function typesHeader(json: string): string {
  return `// Generated from openapi/openapi.json by \`npm run openapi\`; do not edit.\n// SHA-256 of the document: ${createHash('sha256').update(json).digest('hex')}\n`;
}

/**
 * The client's types, from the document. The generator asks for a TypeScript older than ours, which npm will not install
 * beside it: it is fetched for the occasion, at exact versions.
 */
async function generateTypes(json: string): Promise<string> {
  const packages = ['-p', 'openapi-typescript@7.13.0', '-p', 'typescript@5.9.3'];
  const document = fileURLToPath(new URL('../../openapi/openapi.json', import.meta.url));
  const { stdout } = await promisify(execFile)('npx', ['--yes', ...packages, 'openapi-typescript', document]);
  return typesHeader(json) + stdout;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const documents = await generateDocuments();
  for (const [name, text] of Object.entries(documents))
    await writeFile(new URL(`../../openapi/${name}`, import.meta.url), text);
  const types = await generateTypes(documents['openapi.json']);
  await writeFile(new URL('../../src/client/openapi-types.ts', import.meta.url), types);
}
