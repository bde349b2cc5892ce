/** Packs the tarball of `@greet/client` into `dist`: the clients, their types, the OpenAPI document and the proto. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { buildCode } from './code.ts';
import { createManifest } from './manifest.ts';
import { buildTypes } from './types.ts';

const root = new URL('../../', import.meta.url);

/** @returns the path of the tarball. */
export async function packClient(destination: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'greet-client-'));
  try {
    const manifest = createManifest(JSON.parse(await readFile(new URL('package.json', root), 'utf8')));
    await Promise.all([buildCode(folder), buildTypes(folder)]);
    await copyFiles(folder);
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    await mkdir(destination, { recursive: true });
    await promisify(execFile)('npm', ['pack', '--pack-destination', destination], { cwd: folder });
    return join(destination, `greet-client-${manifest.version}.tgz`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function copyFiles(folder: string): Promise<void> {
  const files: [from: URL, to: string][] = [
    [new URL('LICENSE', root), 'LICENSE'],
    [new URL('README.md', import.meta.url), 'README.md'],
    [new URL('openapi/openapi.json', root), 'openapi/openapi.json'],
    [new URL('openapi/openapi.yaml', root), 'openapi/openapi.yaml'],
    [new URL('proto/greet.proto', root), 'proto/greet.proto'],
    [new URL('proto/grpc/health/v1/health.proto', root), 'proto/health.proto'],
  ];
  for (const [from, to] of files) await cp(from, join(folder, to));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const destination = fileURLToPath(new URL('dist/', root));
  process.stdout.write(`${await packClient(destination)}\n`);
}
