import { type ChildProcess, fork } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createGrpcClient, createHttpClient } from '../../src/client/exports.ts';
import { freePort } from './ports.ts';
import { type Program, runProgram } from './program.ts';
import { type LogLine, until } from './service.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The container's memory, which the image runs in, and the heap that it gives V8: half of that. In bytes and in MB. */
export const memoryLimit = 128 * 1024 * 1024;
const heapMb = 64;

/** So that what is held can be told from what has not been collected yet. */
const collectOnSignal = 'data:text/javascript,process.on("SIGUSR2", () => globalThis.gc());';

export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly failures: readonly string[];
}

/** What callers see of the service over either transport, and of a bare server beside it that nobody attacks. */
export type PoliteReport = Readonly<Record<'http' | 'grpc' | 'bystander', Latency>>;

/** What a process holds, as the kernel has it. */
export interface Holding {
  /** Memory of its own, in bytes. */
  readonly memory: number;
  readonly descriptors: number;
}

export async function holdingOf(pid: number): Promise<Holding> {
  const [status, descriptors] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
  ]);
  return {
    memory: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]) * 1024,
    descriptors: descriptors.length,
  };
}

/** The built program within the container's limits, a bystander, and callers who behave, each in a process of its own. */
export class Siege {
  readonly program: Program;
  readonly urls: Readonly<Record<'http' | 'grpc' | 'admin', string>>;
  readonly #polite: ChildProcess;
  readonly #bystander: ChildProcess;

  private constructor(
    program: Program,
    urls: Siege['urls'],
    { polite, bystander }: Record<'polite' | 'bystander', ChildProcess>,
  ) {
    this.program = program;
    this.urls = urls;
    this.#polite = polite;
    this.#bystander = bystander;
  }

  /** @param keeps which of its lines are kept. */
  static async start(
    env: Readonly<Record<string, string>> = {},
    keeps: (line: LogLine) => boolean = () => true,
  ): Promise<Siege> {
    const [http, grpc, admin] = await Promise.all([freePort(), freePort(), freePort()]);
    const urls = {
      http: `http://127.0.0.1:${http}`,
      grpc: `127.0.0.1:${grpc}`,
      admin: `http://127.0.0.1:${admin}`,
    };
    const program = await runProgram({
      env: {
        HOST: '127.0.0.1',
        PORT: String(http),
        GRPC_PORT: String(grpc),
        ADMIN_PORT: String(admin),
        LOG_LEVEL: 'warn',
        ...env,
      },
      keeps,
      nodeOptions: [`--max-old-space-size=${heapMb}`, '--expose-gc', '--import', collectOnSignal],
    });
    await until(async () => (await fetch(`${urls.http}/readyz`).catch(() => undefined))?.status === 200);
    const bystander = fork(here('bystander.mjs'), { execArgv: [] });
    const bystanderUrl = await new Promise((resolve) => bystander.once('message', resolve));
    const polite = fork(here('polite.mjs'), [urls.http, urls.grpc, String(bystanderUrl)], { execArgv: [] });
    await new Promise((resolve) => polite.once('message', resolve));
    return new Siege(program, urls, { polite, bystander });
  }

  get pid(): number {
    return this.program.process.pid as number;
  }

  /** What the callers who behave see for as long, in milliseconds. */
  async ask(durationMs: number): Promise<PoliteReport> {
    const report = new Promise<PoliteReport>((resolve) =>
      this.#polite.once('message', (message) => resolve(message as PoliteReport)),
    );
    this.#polite.send(durationMs);
    return report;
  }

  /** The most memory that the service held while the work was done. */
  async peakWhile(work: Promise<unknown>): Promise<number> {
    let isWorking = true;
    let peak = 0;
    const done = work.finally(() => {
      isWorking = false;
    });
    while (isWorking) {
      peak = Math.max(
        peak,
        await holdingOf(this.pid).then(
          ({ memory }) => memory,
          () => 0,
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await done;
    return peak;
  }

  /** The lines of `/metrics`. */
  async metrics(): Promise<readonly string[]> {
    const text = await (await fetch(`${this.urls.admin}/metrics`)).text();
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  async active(): Promise<readonly string[]> {
    return (await this.metrics()).filter((line) => /_active_(requests|calls) /.test(line));
  }

  /** What the heap holds in earnest, in bytes. */
  async heap(): Promise<number> {
    // Twice: what the first collection lets go of may have held more.
    for (let count = 0; count < 2; count += 1) {
      this.program.process.kill('SIGUSR2');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const line = (await this.metrics()).find((sample) => sample.startsWith('nodejs_heap_size_used_bytes '));
    return Number(line?.split(' ')[1]);
  }

  /** Greets over both transports, as anybody would. */
  async greet(): Promise<readonly string[]> {
    const http = createHttpClient({ url: this.urls.http });
    const grpc = createGrpcClient({ address: this.urls.grpc });
    const greetings = await Promise.all([http.greet('Alice'), grpc.greet('Alice')]);
    grpc.close();
    return greetings.map(({ message }) => message);
  }

  /** Ends the program as an orchestrator does, and tells how it went. */
  async drain(): Promise<{ readonly code: unknown; readonly warnings: readonly string[] }> {
    this.program.process.kill('SIGTERM');
    const code = await this.program.exited;
    const warnings = this.program.lines
      .filter(({ level }) => ['warn', 'error', 'fatal'].includes(level))
      .map(({ msg }) => msg);
    return { code, warnings };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#polite, this.#bystander].map(kill));
    await this.program.dispose();
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
}

/** Waits for the condition, no longer than the time in milliseconds; whether it came to be. */
export async function untilWithin(
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  let holds = false;
  await until(async () => {
    holds = await condition();
    return holds || performance.now() > deadline;
  });
  return holds;
}
