import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyReply, RouteHandlerMethod } from 'fastify';
import Negotiator from 'negotiator';

export interface StaticFile {
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
export function serveFile({ file, type, headers = {} }: StaticFile): RouteHandlerMethod {
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
    reply.headers({ ...headers, etag, 'cache-control': 'no-cache' });
    addVary(reply, 'Accept-Encoding');
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

function addVary(reply: FastifyReply, field: string): void {
  const vary = reply.getHeader('vary');
  reply.header('vary', vary === undefined ? field : `${vary}, ${field}`);
}
