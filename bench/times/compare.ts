import type { Contender } from '../contenders.ts';
import { type Server, startServer } from '../server.ts';
import { median, quantile } from '../statistics.ts';
import { type Latency, type Load, latencyAt } from './load.ts';

export interface Effort {
  /** How often each contender is started: two processes of one program differ by 10 %. */
  readonly rounds: number;
  /** How often it is loaded in a round, in turn with `floor`, and for how long. */
  readonly turns: number;
  readonly turnSeconds: number;
  readonly warmUpSeconds: number;
}

export interface Result {
  readonly name: string;
  /** CPU time of one greeting, in microseconds: user and system time of all threads, as the kernel counts it. */
  readonly cpuMicros: number;
  /** The same as a multiple of the baseline's, turn by turn: median and quartiles. */
  readonly ratio: number;
  readonly spread: readonly [number, number];
  /** How much more it is than the baseline's, in microseconds. */
  readonly microsOver: number;
  /** Resident memory before and after the load, in MB. */
  readonly memoryAtRest: number;
  readonly memoryAfter: number;
  /** At half of the rate reached under full load. */
  readonly latency?: Latency;
}

/**
 * Measures contenders against a baseline, `floor`. Only two servers run at a time, in turns of some seconds, so that a machine that slows
 * down for a while slows both: ratios are taken within a turn. At the end the baseline is compared with another process of itself; the
 * distance of that ratio from 1 is the noise.
 */
export async function compare(
  floor: Contender,
  contenders: readonly Contender[],
  { load, effort, latencySeconds = 0 }: { load: Load; effort: Effort; latencySeconds?: number },
): Promise<Result[]> {
  const all = [...contenders, { ...floor, name: `${floor.name}, again` }];
  const samples = new Map(all.map(({ name }) => [name, new Samples()]));
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const contender of all) {
      // A new process, as old as the contender: after minutes under load the same server takes 30 % more.
      const ground = await startServer(floor);
      try {
        await load(ground.port, effort.warmUpSeconds);
        await samples.get(contender.name)?.take(contender, ground, { load, effort, latencySeconds });
      } finally {
        await ground.stop();
      }
    }
  }
  return [...samples].map(([name, sample]) => sample.summarize(name));
}

class Samples {
  readonly #micros: number[] = [];
  readonly #ratios: number[] = [];
  readonly #over: number[] = [];
  readonly #atRest: number[] = [];
  readonly #after: number[] = [];
  readonly #latencies: Latency[] = [];

  async take(
    contender: Contender,
    ground: Server,
    { load, effort, latencySeconds }: { load: Load; effort: Effort; latencySeconds: number },
  ): Promise<void> {
    const server = await startServer(contender);
    try {
      this.#atRest.push(server.memoryMegabytes());
      await load(server.port, effort.warmUpSeconds);
      const rates: number[] = [];
      for (let turn = 0; turn < effort.turns; turn += 1) {
        const unit = (await cost(ground, load, effort.turnSeconds)).micros;
        const { micros, greetings } = await cost(server, load, effort.turnSeconds);
        this.#micros.push(micros);
        this.#ratios.push(micros / unit);
        this.#over.push(micros - unit);
        rates.push(greetings);
      }
      this.#after.push(server.memoryMegabytes());
      if (latencySeconds > 0)
        this.#latencies.push(await latencyAt(server.port, Math.round(median(rates) / 2), latencySeconds));
    } finally {
      await server.stop();
    }
  }

  summarize(name: string): Result {
    const latencyOf = (key: keyof Latency) => median(this.#latencies.map((latency) => latency[key]));
    return {
      name,
      cpuMicros: median(this.#micros),
      ratio: median(this.#ratios),
      spread: [quantile(this.#ratios, 0.25), quantile(this.#ratios, 0.75)],
      microsOver: median(this.#over),
      memoryAtRest: median(this.#atRest),
      memoryAfter: median(this.#after),
      ...(this.#latencies.length > 0 && {
        latency: { rate: latencyOf('rate'), p50: latencyOf('p50'), p99: latencyOf('p99') },
      }),
    };
  }
}

/** The CPU time of a greeting in this many seconds of load. */
async function cost(
  server: Server,
  load: Load,
  seconds: number,
): Promise<{ micros: number; greetings: number }> {
  const before = server.cpuMicros();
  const greetings = await load(server.port, seconds);
  return { micros: (server.cpuMicros() - before) / greetings, greetings };
}
