import type { Histogram, Registry } from 'prom-client';

/** Upper bounds in seconds, as the OpenTelemetry semantic conventions advise for durations of requests and calls. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** One combination of label values. */
export class DurationSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** How many fell below each bound and above the one before it; the last one holds what is above them all. */
  readonly counts = new Array<number>(bounds.length + 1).fill(0);
  sumSeconds = 0;

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels;
  }

  observe(seconds: number): void {
    let index = 0;
    while (index < bounds.length && seconds > (bounds[index] as number)) index += 1;
    (this.counts[index] as number) += 1;
    this.sumSeconds += seconds;
  }
}

/**
 * A Prometheus histogram of durations with three labels. It stands in for prom-client's own because that one hashes its labels
 * at every observation, which costs more than the greeting itself; here a series is found by three look-ups, counted in an
 * array, and put into words only when it is scraped. Label values are ours (routes, statuses), never a caller's.
 */
export class DurationHistogram {
  readonly name: string;
  readonly help: string;
  readonly #labelNames: readonly [string, string, string];
  readonly #series = new Map<string, Map<string, Map<string | number, DurationSeries>>>();

  constructor(name: string, help: string, labelNames: readonly [string, string, string], registry: Registry) {
    this.name = name;
    this.help = help;
    this.#labelNames = labelNames;
    // The registry needs no more of a metric than its name and get(); its type asks for one of the package's own classes.
    registry.registerMetric(this as unknown as Histogram);
  }

  /** The series of these label values; it is exported from then on, at zero if nothing was observed. */
  series(first: string, second: string, third: string | number): DurationSeries {
    const bySecond = getOrAdd(this.#series, first, () => new Map());
    const byThird = getOrAdd(bySecond, second, () => new Map());
    const [a, b, c] = this.#labelNames;
    return getOrAdd(
      byThird,
      third,
      () => new DurationSeries({ [a]: first, [b]: second, [c]: String(third) }),
    );
  }

  /** What the registry asks for at a scrape. */
  async get() {
    const all = [...this.#series.values()]
      .flatMap((bySecond) => [...bySecond.values()])
      .flatMap((byThird) => [...byThird.values()]);
    return {
      name: this.name,
      help: this.help,
      type: 'histogram',
      values: all.flatMap((series) => this.#valuesOf(series)),
      aggregator: 'sum',
    };
  }

  #valuesOf({ labels, counts, sumSeconds }: DurationSeries) {
    let total = 0;
    const buckets = counts.map((count, index) => {
      total += count;
      return {
        metricName: `${this.name}_bucket`,
        labels: { ...labels, le: bounds[index] ?? '+Inf' },
        value: total,
      };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sumSeconds },
      { metricName: `${this.name}_count`, labels, value: total },
    ];
  }
}

export function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}
