import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** How often the delay is looked at, in milliseconds: also what is measured when there is none. */
const RESOLUTION_MS = 5;

/** A shorter window says nothing: whoever asks again so soon gets the last answer. */
const WINDOW_MS_MIN = 1_000;

const PERCENTILE = 99;
const NANOS_PER_MS = 1e6;

/** How late the event loop of this process runs what is due. */
export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #windowStartMs = performance.now();
  #lastMs = 0;

  constructor() {
    this.#histogram.enable();
  }

  /** The 99th percentile since it was last asked for, in milliseconds. */
  p99Ms(): number {
    const nowMs = performance.now();
    if (nowMs - this.#windowStartMs < WINDOW_MS_MIN || this.#histogram.count === 0) {
      return this.#lastMs;
    }
    const measuredMs = this.#histogram.percentile(PERCENTILE) / NANOS_PER_MS;
    this.#lastMs = Math.max(0, measuredMs - RESOLUTION_MS);
    this.#windowStartMs = nowMs;
    this.#histogram.reset();
    return this.#lastMs;
  }

  /** Stops measuring. */
  stop(): void {
    this.#histogram.disable();
  }
}
