import { type ChildProcess, fork } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createGrpcClient, createHttpClient } from '../../src/client/exports.ts';
import { freePort } from './ports.ts';
import { type Program, runProgram } from './program.ts';
import { type LogLine, until } from './service.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The memory of the container, in bytes. In the image V8's heap may use half of it, in MB. */
export const memoryLimit = 128 * 1024 * 1024;
const heapMb = 64;

/** On SIGUSR2 the program collects its garbage, so that the heap contains only objects in use. */
const collectOnSignal = 'data:text/javascript,process.on("SIGUSR2", () => globalThis.gc());';

/** Latencies in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly failures: readonly string[];
}

/** The latencies of well-behaved clients over both transports, and at the reference server, which is not attacked. */
export type LatencyReport = Readonly<Record<'http' | 'grpc' | 'reference', Latency>>;

/** The resources of a process, as the kernel counts them. */
export interface ResourceUsage {
  /** Private memory, in bytes. */
  readonly memory: number;
  readonly descriptors: number;
}

export async function resourceUsageOf(pid: number): Promise<ResourceUsage> {
  const [status, descriptors] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
  ]);
  return {
    memory: Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]) * 1024,
    descriptors: descriptors.length,
  };
}

/** The built program with the memory of its container, a reference server and well-behaved clients. Each has its own process. */
export class ServiceUnderLoad {
  readonly program: Program;
  readonly urls: Readonly<Record<'http' | 'grpc' | 'admin', string>>;
  readonly #probe: ChildProcess;
  readonly #reference: ChildProcess;

  private constructor(
    program: Program,
    urls: ServiceUnderLoad['urls'],
    { probe, reference }: Record<'probe' | 'reference', ChildProcess>,
  ) {
    this.program = program;
    this.urls = urls;
    this.#probe = probe;
    this.#reference = reference;
  }

  /** @param keeps which log lines of the program are kept. */
  static async start(
    env: Readonly<Record<string, string>> = {},
    keeps: (line: LogLine) => boolean = () => true,
  ): Promise<ServiceUnderLoad> {
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
    const reference = fork(here('reference-server.mjs'), { execArgv: [] });
    const referenceUrl = await new Promise((resolve) => reference.once('message', resolve));
    const probe = fork(here('latency-probe.mjs'), [urls.http, urls.grpc, String(referenceUrl)], {
      execArgv: [],
    });
    await new Promise((resolve) => probe.once('message', resolve));
    return new ServiceUnderLoad(program, urls, { probe, reference });
  }

  get pid(): number {
    return this.program.process.pid as number;
  }

  /** Measures the latency of well-behaved clients for this many milliseconds. */
  async measureLatency(durationMs: number): Promise<LatencyReport> {
    const report = new Promise<LatencyReport>((resolve) =>
      this.#probe.once('message', (message) => resolve(message as LatencyReport)),
    );
    this.#probe.send(durationMs);
    return report;
  }

  /** The highest memory use of the service during the work, in bytes. */
  async peakMemoryWhile(work: Promise<unknown>): Promise<number> {
    let isWorking = true;
    let peak = 0;
    const done = work.finally(() => {
      isWorking = false;
    });
    while (isWorking) {
      peak = Math.max(
        peak,
        await resourceUsageOf(this.pid).then(
          ({ memory }) => memory,
          () => 0,
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await done;
    return peak;
  }

  /** The samples in `/metrics`, one a line. */
  async metrics(): Promise<readonly string[]> {
    const text = await (await fetch(`${this.urls.admin}/metrics`)).text();
    return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  /** The metrics of requests and calls in progress. */
  async active(): Promise<readonly string[]> {
    return (await this.metrics()).filter((line) => /_active_(requests|calls) /.test(line));
  }

  /** The size of the heap after garbage collection, in bytes. */
  async heap(): Promise<number> {
    // Two collections: the first one may free objects that still referred to others.
    for (let count = 0; count < 2; count += 1) {
      this.program.process.kill('SIGUSR2');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const line = (await this.metrics()).find((sample) => sample.startsWith('nodejs_heap_size_used_bytes '));
    return Number(line?.split(' ')[1]);
  }

  /** Sends one greeting over each transport. */
  async greet(): Promise<readonly string[]> {
    const http = createHttpClient({ url: this.urls.http });
    const grpc = createGrpcClient({ address: this.urls.grpc });
    const greetings = await Promise.all([http.greet('Alice'), grpc.greet('Alice')]);
    grpc.close();
    return greetings.map(({ message }) => message);
  }

  /** Ends the program as an orchestrator does. */
  async drain(): Promise<{ readonly code: unknown; readonly warnings: readonly string[] }> {
    this.program.process.kill('SIGTERM');
    const code = await this.program.exited;
    const warnings = this.program.lines
      .filter(({ level }) => ['warn', 'error', 'fatal'].includes(level))
      .map(({ msg }) => msg);
    return { code, warnings };
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#probe, this.#reference].map(kill));
    await this.program.dispose();
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
}

/** Waits until the condition holds, for at most this many milliseconds. @returns true if it holds. */
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
