import { createRequire } from 'node:module';
import { docsPageFiles, openApiFiles } from '../shipped-files.ts';
import type { App } from './instance.ts';
import { type StaticFile, serveFile } from './static-files.ts';

// The page loads its own files and calls its own origin.
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  // Other sites that open the page get no handle on it, and sites that it links to are not told where it is.
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

const html = 'text/html; charset=utf-8';
const css = 'text/css; charset=utf-8';
const script = 'text/javascript; charset=utf-8';

/**
 * The committed OpenAPI document, and Swagger UI on it. Every link and redirect is relative, so that all of it also works behind a proxy
 * that adds a prefix. `npm run openapi` generates the document from the schemas; a test checks that the committed one is up to date.
 */
export async function docsRoutes(app: App): Promise<void> {
  const swaggerUi = (name: string) => createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`);
  const files: Readonly<Record<string, StaticFile>> = {
    '/openapi.json': { file: openApiFiles.json, type: 'application/json; charset=utf-8' },
    '/openapi.yaml': { file: openApiFiles.yaml, type: 'application/yaml' },
    '/docs/': { file: docsPageFiles.html, type: html, headers: pageHeaders },
    '/docs/static/page.css': { file: docsPageFiles.css, type: css },
    '/docs/static/page.js': { file: docsPageFiles.script, type: script },
    '/docs/static/swagger-ui.css': { file: swaggerUi('swagger-ui.css'), type: css },
    '/docs/static/swagger-ui-bundle.js': { file: swaggerUi('swagger-ui-bundle.js'), type: script },
  };
  for (const [path, file] of Object.entries(files)) app.get(path, serveFile(file));
  for (const path of ['/', '/docs']) app.get(path, (_request, reply) => reply.redirect('docs/'));
}
