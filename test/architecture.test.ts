import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { operations } from '../src/operations.ts';

const source = fileURLToPath(new URL('../src/', import.meta.url));

const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();
const partOf = (file: string) => file.split('/')[0] as string;

const sharedFolders = ['http', 'grpc', 'telemetry', 'resilience', 'config', 'net', 'client'];
/** The folders of the operations, such as `greeting`: all that are not shared. They do not depend on a transport. */
const domain = [...new Set(files.map(partOf))].filter(
  (part) => !part.endsWith('.ts') && !sharedFolders.includes(part),
);

/**
 * The parts of `src/` from top to bottom, each with the parts that it may import besides itself. Each file directly in `src/` is a part of
 * its own.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'main.ts': [
    'service.ts',
    'signals.ts',
    'operations.ts',
    'telemetry',
    'resilience',
    'config',
    'net',
    'shipped-files.ts',
  ],
  'signals.ts': ['telemetry', 'resilience', 'config'],
  'service.ts': ['drain.ts', 'operations.ts', 'http', 'grpc', 'telemetry', 'resilience', 'config', 'net'],
  'drain.ts': ['telemetry', 'resilience', 'config'],
  'operations.ts': ['http', 'grpc', ...domain],
  http: ['telemetry', 'resilience', 'config', ...domain, 'net', 'shipped-files.ts'],
  grpc: ['telemetry', 'resilience', 'config', ...domain, 'net', 'shipped-files.ts'],
  telemetry: ['resilience', 'config', 'net'],
  resilience: ['config', 'net'],
  config: ['net'],
  ...Object.fromEntries(domain.map((name) => [name, ['greeting']])),
  net: [],
  // The client is not part of the service. It shares only the wire's formats and the proto with it.
  client: ['net', 'grpc/contract.ts', 'shipped-files.ts'],
  'shipped-files.ts': [],
};

const maxLooseFiles = 6;
const maxFilesInFolder = 18;
/** The files without `net/` and `client/`: three for each operation, and the shared ones. */
const maxServiceFiles = 58 + 3 * operations.length;

/** The files of `src/` that each file imports, including dynamic imports and imports of types. */
const imports = new Map<string, readonly string[]>();
for (const file of files) {
  const code = await readFile(join(source, file), 'utf8');
  const found = [...code.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)];
  imports.set(
    file,
    found.map(([, path = '']) => normalize(join(dirname(file), path))),
  );
}

describe('the architecture of src/', () => {
  it('is complete: every file belongs to a part, and every import is found', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(new Set(files.map(partOf))).toEqual(new Set(Object.keys(allowed)));
    for (const [file, targets] of imports)
      for (const target of targets) expect(files, `${file} imports ${target}`).toContain(target);
    expect([...imports.values()].flat().length).toBeGreaterThan(100);
  });

  it.each(files)('imports only what its part may import: %s', (file) => {
    const part = partOf(file);
    for (const target of imports.get(file) ?? []) {
      const isAllowed =
        partOf(target) === part || (allowed[part] ?? []).some((name) => target.startsWith(name));
      expect(isAllowed, `${file} imports ${target}`).toBe(true);
    }
  });

  it('has no import cycle', () => {
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]) => {
      if (done.has(file)) return;
      expect(path, 'a circle').not.toContain(file);
      for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
  });

  it('equals the diagram in docs/architecture.md, which leaves out imports that follow from others', async () => {
    // The diagram has one place for all operations, so that a new one does not change it.
    const nodeOf = (file: string) => (domain.includes(partOf(file)) ? 'greeting' : partOf(file));
    const edges = new Map<string, Set<string>>();
    for (const [file, targets] of imports)
      for (const target of targets)
        if (nodeOf(target) !== nodeOf(file))
          edges.set(nodeOf(file), (edges.get(nodeOf(file)) ?? new Set()).add(nodeOf(target)));
    const reaches = (from: string, to: string): boolean =>
      [...(edges.get(from) ?? [])].some((next) => next === to || reaches(next, to));
    const arrows = [...edges].flatMap(([from, targets]) =>
      [...targets]
        .filter((to) => ![...targets].some((other) => other !== to && reaches(other, to)))
        .map((to) => `  ${from} --> ${to}`.replaceAll('.ts', '')),
    );
    const text = await readFile(new URL('../docs/architecture.md', import.meta.url), 'utf8');
    const [, diagram = ''] = /```mermaid\ngraph TD\n(.*?)\n```/s.exec(text) ?? [];
    expect(diagram.split('\n').sort()).toEqual(arrows.sort());
  });

  it('keeps the folders small enough to be read', () => {
    for (const folder of new Set(files.map(dirname))) {
      const entries = files.filter((file) => dirname(file) === folder);
      expect(entries.length, folder).toBeLessThanOrEqual(folder === '.' ? maxLooseFiles : maxFilesInFolder);
    }
    const service = files.filter((file) => !['net', 'client'].includes(partOf(file)));
    expect(service.length).toBeLessThanOrEqual(maxServiceFiles);
  });
});
