import { type Program, runProgram } from './program.ts';
import { type LogLine, until } from './service.ts';
import type { TestNetwork } from './test-network.ts';

/** The environment of every replica: the ports in the files of deploy/, and a short drain delay. */
const environment = {
  PORT: '8080',
  GRPC_PORT: '50051',
  ADMIN_PORT: '9464',
  DRAIN_DELAY_MS: '2500',
  LOG_LEVEL: 'warn',
};

/** Replicas of the built program in a test network. Each has its own address, which DNS returns for the name `greet`. */
export class Replicas {
  readonly #network: TestNetwork;
  readonly #programs = new Map<string, Program>();
  /** All replicas that were ever started, for the cleanup. */
  readonly #all: Program[] = [];

  constructor(network: TestNetwork) {
    this.#network = network;
  }

  get addresses(): string[] {
    return [...this.#programs.keys()];
  }

  /** All log lines so far, including those of replicas that have ended. */
  get lines(): LogLine[] {
    return this.#all.flatMap(({ lines }) => lines);
  }

  program(address: string): Program {
    const program = this.#programs.get(address);
    if (!program) throw new Error(`There is no replica at ${address}, only at ${this.addresses.join(', ')}`);
    return program;
  }

  /** Starts a replica and waits until it is ready. It does not change DNS. */
  async start(address: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const program = await runProgram({
      prefix: this.#network.prefix,
      env: { ...environment, HOST: address, ...env },
    });
    this.#programs.set(address, program);
    this.#all.push(program);
    await until(async () => {
      if (program.process.exitCode !== null) throw new Error(`It ended: ${program.stderr()}`);
      // The admin port is the same with and without TLS.
      const { body } = await this.#network.call('fetch', `http://${address}:9464/metrics`);
      return /^greet_ready 1$/m.test(body);
    });
  }

  /** Starts replicas at new addresses, waits until they are ready, and adds them to DNS. */
  async add(addresses: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    for (const address of addresses) await this.#network.addAddress(address);
    await Promise.all(addresses.map((address) => this.start(address, env)));
    await this.publish();
  }

  /** Sets the addresses of all replicas in DNS, as Docker does. */
  async publish(addresses: readonly string[] = this.addresses): Promise<void> {
    await this.#network.call('setDns', 'greet', addresses);
  }

  /**
   * Ends a replica as an orchestrator does; resolves with its exit code. Its address is removed from DNS once it has ended, as with Docker.
   */
  async retire(address: string): Promise<unknown> {
    const program = this.program(address);
    program.process.kill('SIGTERM');
    const code = await program.exited;
    this.#programs.delete(address);
    await this.publish();
    return code;
  }

  /** Ends a replica and starts it again at its address; resolves with the exit code of the first process. */
  async restart(address: string): Promise<unknown> {
    const program = this.program(address);
    program.process.kill('SIGTERM');
    const code = await program.exited;
    await this.start(address);
    return code;
  }

  /** Removes replicas that have ended from the list for DNS. */
  forget(...addresses: readonly string[]): void {
    for (const address of addresses) this.#programs.delete(address);
  }

  /** The number of greetings over one transport since each replica started, by address. A replica that does not respond counts 0. */
  async greetings(transport: 'http' | 'grpc'): Promise<Map<string, number>> {
    const series =
      transport === 'http'
        ? /^http_server_request_duration_seconds_count\{.*route="\/greet".*status="200".*\} (\d+)$/gm
        : /^rpc_server_call_duration_seconds_count\{.*method="Greet".*status="OK".*\} (\d+)$/gm;
    const counts = this.addresses.map(async (address) => {
      const { body } = await this.#network.call('fetch', `http://${address}:9464/metrics`);
      const count = [...body.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0);
      return [address, count] as const;
    });
    return new Map(await Promise.all(counts));
  }

  /** Makes these replicas fail or delay greetings, through the admin port. */
  async injectFaults(
    plan: { readonly errorRate?: number; readonly delayMs?: number },
    addresses: readonly string[] = this.addresses,
  ): Promise<void> {
    for (const address of addresses) {
      const { status, body } = await this.#network.call('fetch', `http://${address}:9464/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(plan),
      });
      if (status !== 200) throw new Error(`No faults could be injected: ${body}`);
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((program) => program.dispose()));
    this.#programs.clear();
  }
}
