import type { Histogram, Registry } from 'prom-client';

/** Upper bounds in seconds, as the OpenTelemetry semantic conventions advise for the duration of requests and calls. */
export const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const;

/** An observation in a trace, which leads from a bucket to that trace. */
export interface Exemplar {
  readonly traceId: string;
  readonly spanId: string | undefined;
  readonly seconds: number;
  /** When it was observed, in seconds since 1970. */
  readonly atSeconds: number;
}

/** The observations with one combination of label values. */
export interface DurationSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** The count of each bucket: observations above the previous bound and at most its own. The last bucket has no upper bound. */
  readonly counts: readonly number[];
  readonly sumSeconds: number;
  /** One for each bucket that has one; undefined if there are none. */
  readonly exemplars: readonly (Exemplar | undefined)[] | undefined;
}

/**
 * A Prometheus histogram of durations. prom-client's own hashes its labels at every observation, which costs more than the greeting
 * itself. Here the series count for themselves, and are only read when Prometheus scrapes. Label values are ours (routes, statuses), never
 * a client's.
 */
export class DurationHistogram {
  readonly name: string;
  readonly help: string;
  readonly #series: DurationSeries[] = [];

  constructor(name: string, help: string, registry: Registry) {
    this.name = name;
    this.help = help;
    // The registry uses no more of a metric than its name and get(); its type asks for one of prom-client's own classes.
    registry.registerMetric(this as unknown as Histogram);
  }

  /** Exports the series from now on, at zero if nothing has been observed. */
  add(series: DurationSeries): void {
    this.#series.push(series);
  }

  /** Called by the registry at each scrape. */
  async get() {
    return {
      name: this.name,
      help: this.help,
      type: 'histogram',
      values: this.#series.flatMap((series) => this.#valuesOf(series)),
      aggregator: 'sum',
    };
  }

  #valuesOf({ labels, counts, sumSeconds, exemplars }: DurationSeries) {
    let total = 0;
    const buckets = counts.map((count, index) => {
      total += count;
      return {
        metricName: `${this.name}_bucket`,
        labels: { ...labels, le: bounds[index] ?? '+Inf' },
        value: total,
        exemplar: toExemplar(exemplars?.[index]),
      };
    });
    return [
      ...buckets,
      { metricName: `${this.name}_sum`, labels, value: sumSeconds },
      { metricName: `${this.name}_count`, labels, value: total },
    ];
  }
}

/** In the form that the registry renders. Only OpenMetrics shows exemplars. */
function toExemplar(exemplar: Exemplar | undefined) {
  if (exemplar === undefined) return undefined;
  const { traceId, spanId, seconds, atSeconds } = exemplar;
  return { labelSet: { trace_id: traceId, span_id: spanId }, value: seconds, timestamp: atSeconds };
}
