import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { RouteHandlerMethod } from 'fastify';
import Negotiator from 'negotiator';
import { docsPageFiles, openApiFiles } from '../shipped-files.ts';
import type { App } from './instance.ts';

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

interface StaticFile {
  /** Where it is on the disk. It is read at its first request, and kept. */
  readonly file: string;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Content {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
  readonly tag: string;
}

/** Serves one file: compressed if the client accepts that, and as 304 if the client has it already (RFC 9110, section 13.1.2). */
function serveFile({ file, type, headers = {} }: StaticFile): RouteHandlerMethod {
  let content: Promise<Content> | undefined;
  return async function handleFile(request, reply) {
    content ??= load(file);
    // After a failure the next request tries again.
    content.catch(() => {
      content = undefined;
    });
    const { plain, gzipped, tag } = await content;
    const isZipped = new Negotiator(request).encoding(['gzip', 'identity']) === 'gzip';
    const etag = isZipped ? `"${tag}-gzip"` : `"${tag}"`;
    reply.headers({ ...headers, etag, 'cache-control': 'no-cache', vary: 'Accept-Encoding' });
    if (matches(request.headers['if-none-match'], etag)) return reply.code(304).send();
    if (isZipped) reply.header('content-encoding', 'gzip');
    return reply.type(type).send(isZipped ? gzipped : plain);
  };
}

async function load(file: string): Promise<Content> {
  const plain = await readFile(file);
  const tag = createHash('sha256').update(plain).digest('base64url').slice(0, 16);
  return { plain, gzipped: await promisify(gzip)(plain), tag };
}

function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}
