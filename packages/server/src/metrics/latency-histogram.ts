import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';

/** Upper bounds in seconds: from a read in memory to a call that gave up. */
const LATENCY_BOUNDS_SECONDS: readonly number[] = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5,
  10,
];

/** Observations of one label value. */
class Series {
  /** By position of the bound; the last is for all beyond. Not yet summed up as Prometheus wants them. */
  readonly counts: Float64Array = new Float64Array(LATENCY_BOUNDS_SECONDS.length + 1);
  sumSeconds = 0;
  count = 0;
}

/**
 * A Prometheus histogram that is cheap to feed: prom-client's own takes some hundred nanoseconds for every value
 * (it checks and hashes labels each time), too much for each of tens of thousands of calls a second. Counting is an
 * array access here; the text is made when somebody asks.
 */
export class LatencyHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly #label: string;
  readonly #series = new Map<string, Series>();
  readonly #seriesMax: number;

  /** `labelValues`: those that are there from the start; more may come, up to `seriesMax`. */
  constructor(options: {
    registry: Registry;
    name: string;
    help: string;
    label: string;
    labelValues: readonly string[];
    seriesMax?: number;
  }) {
    this.name = options.name;
    this.help = options.help;
    this.#label = options.label;
    this.#seriesMax = options.seriesMax ?? 64;
    for (const value of options.labelValues) this.#series.set(value, new Series());
    // A registry asks its metrics for no more than `name` and `get`; its types know only prom-client's own classes.
    options.registry.registerMetric(this as unknown as Metric);
  }

  /** `count` calls that each took `durationMs`. */
  observe(labelValue: string, durationMs: number, count = 1): void {
    const series = this.#series.get(labelValue) ?? this.#addSeries(labelValue);
    if (series === undefined) return;
    const seconds = durationMs / 1000;
    let place = 0;
    while (place < LATENCY_BOUNDS_SECONDS.length && seconds > LATENCY_BOUNDS_SECONDS[place]!) place += 1;
    series.counts[place]! += count;
    series.sumSeconds += seconds * count;
    series.count += count;
  }

  /** Called by the registry. */
  async get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const values: MetricValueWithName<string>[] = [];
    for (const [labelValue, series] of this.#series) {
      const labels = { [this.#label]: labelValue };
      let upTo = 0;
      LATENCY_BOUNDS_SECONDS.forEach((le, place) => {
        upTo += series.counts[place]!;
        values.push({ metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: upTo });
      });
      values.push({
        metricName: `${this.name}_bucket`,
        labels: { le: '+Inf', ...labels },
        value: series.count,
      });
      values.push({ metricName: `${this.name}_sum`, labels, value: series.sumSeconds });
      values.push({ metricName: `${this.name}_count`, labels, value: series.count });
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: 'sum', values } as never;
  }

  #addSeries(labelValue: string): Series | undefined {
    if (this.#series.size >= this.#seriesMax) return undefined;
    const series = new Series();
    this.#series.set(labelValue, series);
    return series;
  }
}
