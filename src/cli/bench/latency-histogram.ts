import { build } from "hdr-histogram-js";
import type { Histogram } from "hdr-histogram-js";

/** Values keep three significant decimal digits: exact to the microsecond up to about 2 ms. */
const SIGNIFICANT_DIGITS = 3;

/** Lines of the percentile file per halving of the distance to 100 %: HdrHistogram's default. */
const TICKS_PER_HALF = 5;

const MICROS_PER_MS = 1_000;

/** One point of a latency distribution. */
export interface PercentilePoint {
  /** 0 (included) to 100 (included). */
  readonly percentile: number;
  readonly latencyMs: number;
}

/** One column of a histogram whose columns are equally wide on a logarithmic axis. */
export interface HistogramColumn {
  /** Included. */
  readonly fromMs: number;
  /** Excluded. */
  readonly toMs: number;
  readonly count: number;
}

/** Columns for each tenfold of latency. */
const COLUMNS_PER_DECADE = 20;

/** The figures of one distribution that the tables print; all in milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Latencies in microseconds; memory does not grow with their number. */
export class LatencyHistogram {
  readonly #histogram: Histogram = build({
    bitBucketSize: 32,
    autoResize: true,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
  });
  /** By `COLUMNS_PER_DECADE` times the decimal logarithm of the microseconds, rounded down. */
  readonly #columns = new Map<number, number>();
  #sumMicros = 0;
  #maxMicros = 0;

  /** Latencies recorded so far. */
  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Records one latency in microseconds, 0 and up; fractions are rounded. */
  record(micros: number): void {
    this.#histogram.recordValue(Math.round(micros));
    this.#sumMicros += micros;
    this.#maxMicros = Math.max(this.#maxMicros, micros);
    const column = Math.floor(Math.log10(Math.max(micros, 1)) * COLUMNS_PER_DECADE);
    this.#columns.set(column, (this.#columns.get(column) ?? 0) + 1);
  }

  /** Takes in everything that `other` recorded. */
  add(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
    this.#sumMicros += other.#sumMicros;
    this.#maxMicros = Math.max(this.#maxMicros, other.#maxMicros);
    for (const [column, count] of other.#columns) {
      this.#columns.set(column, (this.#columns.get(column) ?? 0) + count);
    }
  }

  /** How many records fall where, from the first column with one to the last, without a gap. */
  columns(): HistogramColumn[] {
    const first = Math.min(...this.#columns.keys());
    const last = Math.max(...this.#columns.keys());
    const edgeMs = (column: number): number => 10 ** (column / COLUMNS_PER_DECADE) / MICROS_PER_MS;
    return Array.from({ length: this.count === 0 ? 0 : last - first + 1 }, (_, index) => ({
      fromMs: edgeMs(first + index),
      toMs: edgeMs(first + index + 1),
      count: this.#columns.get(first + index) ?? 0,
    }));
  }

  /** Milliseconds that `percentile` per cent of all records do not exceed; 0 when empty. */
  percentileMs(percentile: number): number {
    if (this.count === 0) return 0;
    const micros = this.#histogram.getValueAtPercentile(percentile);
    return Math.min(micros, this.#maxMicros) / MICROS_PER_MS;
  }

  /** The figures for the table; mean and maximum are exact, not taken from the buckets. */
  summary(): LatencySummary {
    return {
      count: this.count,
      meanMs: this.count === 0 ? 0 : this.#sumMicros / this.count / MICROS_PER_MS,
      p50Ms: this.percentileMs(50),
      p90Ms: this.percentileMs(90),
      p99Ms: this.percentileMs(99),
      p999Ms: this.percentileMs(99.9),
      maxMs: this.#maxMicros / MICROS_PER_MS,
    };
  }

  /**
   * The distribution as points at equal steps of the logarithmic percentile axis
   * (1 / (1 - p)), up to the one that a single record decides.
   * @param stepsPerDecade points for each further nine: 90 %, 99 %, 99.9 % …
   */
  curve(stepsPerDecade: number): PercentilePoint[] {
    const points: PercentilePoint[] = [];
    const steps = Math.ceil(Math.log10(Math.max(this.count, 1)) * stepsPerDecade);
    for (let step = 0; step <= steps; step += 1) {
      const percentile = 100 - 100 / 10 ** (step / stepsPerDecade);
      points.push({ percentile, latencyMs: this.percentileMs(percentile) });
    }
    return points;
  }

  /** The distribution as text in HdrHistogram's `.hgrm` format, values in milliseconds. */
  percentileText(): string {
    return this.#histogram.outputPercentileDistribution(TICKS_PER_HALF, MICROS_PER_MS);
  }
}
