import type { Ticks } from "../base/ids.js";

/** Part of a smoothed time that each new measurement makes up. */
const SMOOTHING = 1 / 8;

/** How many times what the best of the recent views took a request may take. */
const BEST_FACTOR = 4;

/** Writes of our own that a request waits for in a row, with room for one that had bad luck. */
const RECORD_FACTOR = 4;

/** Measurements before a view has shown what it can do. */
const SAMPLES_MIN = 8;

/** Slow requests in a row that make a primary suspect: one may be bad luck. */
const SLOW_IN_ROW_MAX = 8;

/** Quick requests in a row after which patience halves: overload does not come and go so fast. */
const QUICK_IN_ROW_MIN = 64;

/**
 * Most that patience may double: with it a request may wait longer than the progress timer allows.
 */
const PATIENCE_MAX = 64;

/** What the monitor's bounds follow from. */
interface MonitorOptions {
  /** T: a quarter of it is always allowed, for a lost datagram and its repetition. */
  readonly viewChangeTicks: Ticks;
  /** n: so many views are remembered, among them more than one of a correct primary. */
  readonly replicaCount: number;
}

/**
 * Watches for a primary that is just fast enough not to be voted out by the progress timer (VT7).
 *
 * What counts is how long a request that this backup knows takes until all up to it is decided
 * here. Nothing that the present primary does can make that look short, and what is allowed does
 * not depend on anything that it can stretch: not on what agreement takes under it, but on the best
 * of the recent views, whoever led them, and on our own journal. If all views are slow, so is the
 * best of them.
 *
 * Every replacement for slowness doubles the patience, and only a long quick stretch halves it:
 * under lasting overload views change a few times and then no more.
 */
export class PrimaryMonitor {
  readonly #options: MonitorOptions;
  /** The best that each of the last views did, newest last. */
  readonly #bests: Ticks[] = [];
  #sampleCount = 0;
  #typicalTicks = 0;
  /** The best typical time of the present view; null before it has shown one. */
  #bestTicks: Ticks | null = null;
  #recordTicks = 0;
  #slowInRow = 0;
  #quickInRow = 0;
  #patience = 1;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** A record of our own took `ticks` to become durable. */
  recorded(ticks: Ticks): void {
    this.#recordTicks += (ticks - this.#recordTicks) * SMOOTHING;
  }

  /**
   * A request had been known here for `ticks` when all up to it was decided.
   * @returns whether the primary is to be replaced.
   */
  served(ticks: Ticks): boolean {
    const allowed = this.#allowedTicks();
    this.#note(ticks);
    this.#slowInRow = ticks > this.#patience * allowed ? this.#slowInRow + 1 : 0;
    this.#quickInRow = ticks > allowed ? 0 : this.#quickInRow + 1;
    if (this.#quickInRow === QUICK_IN_ROW_MIN) {
      this.#quickInRow = 0;
      this.#patience = Math.max(1, this.#patience / 2);
    }
    return this.#slowInRow >= SLOW_IN_ROW_MAX;
  }

  /** The primary was voted out for slowness. */
  replaced(): void {
    this.#patience = Math.min(2 * this.#patience, PATIENCE_MAX);
    this.#quickInRow = 0;
  }

  /** Another primary leads from now on. */
  restart(): void {
    if (this.#bestTicks !== null) this.#bests.push(this.#bestTicks);
    if (this.#bests.length > this.#options.replicaCount) this.#bests.shift();
    this.#sampleCount = 0;
    this.#typicalTicks = 0;
    this.#bestTicks = null;
    this.#slowInRow = 0;
  }

  /** What a request may take when nobody has lost patience yet. */
  #allowedTicks(): Ticks {
    const bests = this.#bestTicks === null ? this.#bests : [...this.#bests, this.#bestTicks];
    const best = bests.length === 0 ? 0 : Math.min(...bests);
    const slackTicks = this.#options.viewChangeTicks / 4;
    return slackTicks + BEST_FACTOR * best + RECORD_FACTOR * this.#recordTicks;
  }

  #note(ticks: Ticks): void {
    this.#sampleCount += 1;
    const share = Math.max(SMOOTHING, 1 / this.#sampleCount);
    this.#typicalTicks += (ticks - this.#typicalTicks) * share;
    if (this.#sampleCount < SAMPLES_MIN) return;
    this.#bestTicks = Math.min(this.#bestTicks ?? this.#typicalTicks, this.#typicalTicks);
  }
}
