import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentSchema } from '../../src/config/config.ts';
import { missing, run, start } from '../support/command.ts';
import {
  type ConsoleBlock,
  listDocuments,
  readConsoleBlocks,
  readDocument,
  root,
} from '../support/documents.ts';
import { freePort } from '../support/ports.ts';
import { type Program, runProgram } from '../support/program.ts';
import { until } from '../support/service.ts';

const documents = await Promise.all(
  (await listDocuments()).map(async (path) => ({
    path,
    blocks: readConsoleBlocks(path, await readDocument(path)),
  })),
);
const all = documents.flatMap(({ blocks }) => blocks);
const { scripts } = JSON.parse(await readDocument('package.json'));

/** The ports in the documents, by the name of their setting. */
const shownPorts = { PORT: '8080', GRPC_PORT: '50051', ADMIN_PORT: '9464' };
type Ports = Readonly<Record<keyof typeof shownPorts, string>>;
const portNames = Object.keys(shownPorts) as (keyof Ports)[];

/** The environment without settings of the service, and without what npm passes on to its scripts. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !(name in environmentSchema.shape) && !/^npm_/i.test(name)),
);

/** Replaces text that differs in each run. */
function mask(text: string): string {
  return text
    .replaceAll('\r', '')
    .replaceAll(/("requestId":|x-request-id: )"?[\w.-]+"?/g, '$1…')
    .replaceAll(/\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b|\b[0-9a-f]{40}\b/g, '…')
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '…')
    .replaceAll(/^date: .*$/gim, 'date: …')
    .replaceAll(/("durationMs":)[\d.]+/g, '$1…')
    .replaceAll(/(;t=|retry-after: )\d+/g, '$1…')
    .replaceAll(/\bgreet \d+\.\d+\.\d+/g, 'greet …')
    .replaceAll(/"(version|node|revision)":"[^"]+"/g, '"$1":"…"')
    .replaceAll(/\bv\d+\.\d+\.\d+\b/g, 'v…')
    .trimEnd();
}

/** The program of a command, without the settings before it. */
const toolOf = (command: string) => /^(?:[A-Z_]+=\S+ )*(\S+)/.exec(command)?.[1] ?? '';
/** True for tools that come with npm or the shell, and for scripts of this repository. */
const isGiven = (tool: string) => ['npm', 'node', 'npx', 'for'].includes(tool) || tool.includes('/');

const leftOut = new Map<string, number>();
const leaveOut = (reason: string) => leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);

/** True if the block can be run on this machine; the others are counted. In CI every tool must be installed. */
function isRun({ needs, tools, entries }: ConsoleBlock): boolean {
  const named = entries.map(({ command }) => toolOf(command)).filter((tool) => !isGiven(tool));
  const reason = needs ?? missing('bash', 'script', ...new Set([...tools, ...named]));
  if (reason !== undefined) leaveOut(reason);
  return reason === undefined;
}

/** Large folders are linked into the copy of the repository. The others in this list are left out. */
const linked = ['node_modules', 'dist'];
const excluded = [...linked, 'build', '.git', '.env'];

/** Long enough for commands that install packages. */
const timeoutMs = 300_000;

describe('the console blocks of the documents', () => {
  const toRun = documents
    .map(({ path, blocks }) => ({ path, blocks: blocks.filter(isRun) }))
    .filter(({ blocks }) => blocks.length > 0);
  const reasons = [...leftOut].map(([reason, count]) => `${count} (${reason})`).join(', ');
  console.warn(`Console blocks: ${all.length} in all; left out: ${reasons || 'none'}`);

  it('are found', () => expect(toRun.flatMap(({ blocks }) => blocks).length).toBeGreaterThan(5));

  describe.each(toRun)('$path', ({ blocks }) => {
    /** Commands run in a copy of the repository, so that the files that they write are removed with it. */
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'greet-documents-'));
      const isCopied = (path: string) => !excluded.includes(basename(path));
      await cp(root, folder, { recursive: true, filter: isCopied });
      for (const name of linked) await symlink(join(root, name), join(folder, name));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it.each(blocks)(
      'prints the documented output: $place',
      { timeout: timeoutMs },
      async ({ settings, entries }) => {
        // Each block gets a new service, so that it does not depend on the state that another one left.
        const program = await runProgram({ env: settings });
        try {
          const ports = await portsOf(program);
          for (const { command, output } of entries) {
            const isStart = command.endsWith('npm start');
            const printed = isStart
              ? await runStart(command, output, folder)
              : await runIn(folder, command, ports);
            expect(mask(printed), command).toBe(mask(output));
          }
        } finally {
          await program.dispose();
        }
      },
    );
  });
});

async function portsOf(program: Program): Promise<Ports> {
  const { http, grpc, admin } = await program.listening();
  return {
    PORT: new URL(http).port,
    GRPC_PORT: grpc.slice(grpc.lastIndexOf(':') + 1),
    ADMIN_PORT: new URL(admin).port,
  };
}

/** Runs the command against the service on these ports. The output names the ports of the documents instead. */
async function runIn(folder: string, command: string, ports: Ports): Promise<string> {
  const here = portNames.reduce(
    (text, name) => text.replaceAll(`localhost:${shownPorts[name]}`, `localhost:${ports[name]}`),
    command,
  );
  const { stdout, stderr } = await run('bash', ['-c', here], {
    cwd: folder,
    env: { ...env, ...ports },
  });
  // A terminal shows both streams; here one follows the other. curl shows its progress only if standard output is not a terminal.
  return asShown(stdout + (command.startsWith('curl') ? '' : stderr), ports);
}

const asShown = (text: string, ports: Ports) =>
  portNames.reduce(
    (shown, name) => shown.replaceAll(`localhost:${ports[name]}`, `localhost:${shownPorts[name]}`),
    text,
  );

/** Runs `npm start` on a terminal, without the build, until it has printed its last line. Then it ends it. */
async function runStart(command: string, output: string, folder: string): Promise<string> {
  const ports: Ports = {
    PORT: String(await freePort()),
    GRPC_PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
  };
  const built = command.replace('npm start', scripts.start.replace('npm run -s build && exec ', ''));
  const terminal = spawnOnTerminal(built, folder, ports);
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  try {
    await until(() => terminal.process.exitCode !== null || terminal.stdout().includes(last));
    return asShown(terminal.stdout().slice(0, terminal.stdout().indexOf(last) + last.length), ports);
  } finally {
    terminal.process.kill('SIGTERM');
    await terminal.result;
  }
}

const spawnOnTerminal = (command: string, cwd: string, ports: Ports) =>
  start('script', ['-qefc', command, '/dev/null'], {
    cwd,
    env: { ...env, NO_COLOR: '1', ...ports },
  });
