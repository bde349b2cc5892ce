import { createGrpcClient } from '../../src/client/exports.ts';
import type { Ports } from './balancer.ts';
import { run } from './command.ts';
import { freePort } from './ports.ts';
import { type Program, runProgram } from './program.ts';
import { until } from './service.ts';

/** Replicas of the built program, each with ports that it comes back to when it is restarted. */
export class Fleet {
  readonly ports: Ports[] = [];
  readonly programs: Program[] = [];

  /** Adds a replica and waits until it is ready. */
  async add(): Promise<void> {
    this.ports.push({ http: await freePort(), grpc: await freePort() });
    await this.start(this.ports.length - 1);
  }

  async start(index: number, env: Record<string, string> = {}): Promise<void> {
    const { http, grpc } = this.ports[index] as Ports;
    this.programs[index] = await runProgram({
      env: {
        HOST: '127.0.0.1',
        PORT: String(http),
        GRPC_PORT: String(grpc),
        DRAIN_DELAY_MS: '2500',
        LOG_LEVEL: 'warn',
        ...env,
      },
    });
    await until(
      async () => (await fetch(`http://127.0.0.1:${http}/readyz`).catch(() => undefined))?.status === 200,
    );
  }

  /** Restarts each replica in turn, `rounds` times; resolves with their exit codes. */
  async roll(rounds: number): Promise<unknown[]> {
    const codes: unknown[] = [];
    for (let count = 0; count < rounds * this.programs.length; count += 1) {
      const index = count % this.programs.length;
      this.programs[index]?.process.kill('SIGTERM');
      codes.push(await this.programs[index]?.exited);
      await this.start(index);
      // The balancer sees it again before the next one goes.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    return codes;
  }

  /** How many greetings the replica has given since it started, over one transport. */
  async greetingsOf(index: number, transport: 'http' | 'grpc'): Promise<number> {
    const lines = this.programs[index]?.lines ?? [];
    return lines.filter(({ msg, route, code }) =>
      transport === 'http' ? msg === 'request' && route === '/greet' : code === 'OK',
    ).length;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.programs.splice(0).map((program) => program.dispose()));
    this.ports.length = 0;
  }
}

export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly string[];
}

/** Greetings over HTTP by 32 connections, round after round, for as long as the work takes. */
export async function loadHttpWhile(
  address: string,
  work: Promise<unknown>,
  connections = 32,
): Promise<LoadResult> {
  let isWorking = true;
  const done = work.finally(() => {
    isWorking = false;
  });
  let requests = 0;
  const failures: string[] = [];
  do {
    const { stdout } = await run('wrk', [
      '-t1',
      `-c${connections}`,
      '-d3s',
      `http://${address}/greet?name=Alice`,
    ]);
    requests += Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
    failures.push(...(stdout.match(/^.*(Socket errors|Non-2xx).*$/gm) ?? []));
  } while (isWorking);
  await done;
  return { requests, failures };
}

/** Greetings over gRPC by eight callers, none of which is ever retried, for as long as the work takes. */
export async function loadGrpcWhile(address: string, work: Promise<unknown>): Promise<LoadResult> {
  const client = createGrpcClient({ address, attempts: 1 });
  let isWorking = true;
  let requests = 0;
  const failures: string[] = [];
  const callers = Array.from({ length: 8 }, async () => {
    while (isWorking) {
      await client.greet('Alice').catch((error: Error) => failures.push(error.message));
      requests += 1;
    }
  });
  await work.finally(() => {
    isWorking = false;
  });
  await Promise.all(callers);
  client.close();
  return { requests, failures };
}
