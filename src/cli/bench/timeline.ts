/** Width of an interval at first. */
const INTERVAL_MICROS = 10_000;

/** Most intervals; beyond, each becomes twice as wide, so that memory does not grow with time. */
const INTERVALS_MAX = 2_048;

const MICROS_PER_MS = 1_000;

/** When operations ended and how long they took. Plain data: part of `run.json`. */
export interface TimelineReport {
  /** Width of an interval in milliseconds; interval i begins at i × this after the first start. */
  readonly intervalMs: number;
  /** Operations that ended in each interval. */
  readonly counts: readonly number[];
  /** The slowest of them, in milliseconds; 0 in an interval without. */
  readonly maxMs: readonly number[];
}

/** Counts operations by the interval in which they ended. */
export class Timeline {
  #intervalMicros = INTERVAL_MICROS;
  #counts: number[] = [];
  #maxMicros: number[] = [];

  /** An operation ended at `atMicros`, 0 and up, after it had taken `latencyMicros`. */
  record(atMicros: number, latencyMicros: number): void {
    while (atMicros >= INTERVALS_MAX * this.#intervalMicros) this.#halve();
    const index = Math.floor(atMicros / this.#intervalMicros);
    while (this.#counts.length <= index) {
      this.#counts.push(0);
      this.#maxMicros.push(0);
    }
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#maxMicros[index] = Math.max(this.#maxMicros[index] ?? 0, latencyMicros);
  }

  /** Everything so far. */
  report(): TimelineReport {
    return {
      intervalMs: this.#intervalMicros / MICROS_PER_MS,
      counts: [...this.#counts],
      maxMs: this.#maxMicros.map((micros) => micros / MICROS_PER_MS),
    };
  }

  #halve(): void {
    this.#counts = pairs(this.#counts).map(([left, right]) => left + right);
    this.#maxMicros = pairs(this.#maxMicros).map(([left, right]) => Math.max(left, right));
    this.#intervalMicros *= 2;
  }
}

function pairs(values: readonly number[]): [left: number, right: number][] {
  return Array.from({ length: Math.ceil(values.length / 2) }, (_, index) => [
    values[2 * index] ?? 0,
    values[2 * index + 1] ?? 0,
  ]);
}

/** What happened from `fromMs` to `toMs`, to whole intervals. */
interface TimelineWindow {
  readonly count: number;
  readonly opsPerSecond: number;
  /** The slowest operation that ended in it, in milliseconds. */
  readonly maxMs: number;
}

/** Looks at the part of `timeline` from `fromMs` (included) to `toMs`. */
export function windowOf(timeline: TimelineReport, fromMs: number, toMs: number): TimelineWindow {
  const { intervalMs, counts, maxMs } = timeline;
  const first = Math.max(0, Math.floor(fromMs / intervalMs));
  const end = Math.max(first + 1, Math.ceil(toMs / intervalMs));
  const count = counts.slice(first, end).reduce((sum, each) => sum + each, 0);
  const seconds = ((end - first) * intervalMs) / 1_000;
  const slowest = Math.max(0, ...maxMs.slice(first, end));
  return { count, opsPerSecond: count / seconds, maxMs: slowest };
}
