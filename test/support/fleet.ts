import { freePort } from './ports.ts';
import { type Program, runProgram } from './program.ts';
import { until } from './service.ts';

export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

/** Replicas of the built program. A replica keeps its ports when it is restarted. */
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
      // Waits until clients use it again, before the next one is restarted.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
    }
    return codes;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.programs.splice(0).map((program) => program.dispose()));
    this.ports.length = 0;
  }
}
