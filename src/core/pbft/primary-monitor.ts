import type { Ticks } from "../base/ids.js";

/** Part of the smoothed agreement time that each new measurement makes up. */
const SMOOTHING = 1 / 8;

/**
 * How many agreement times a request may wait for its pre-prepare at a primary that does its best.
 */
const AGREEMENTS_MAX = 4;

/** What is always allowed on top: a lost datagram and its repetition. */
const SLACK_TICKS = 20;

/** Slow pre-prepares in a row that make a primary suspect: one may be bad luck. */
const SLOW_IN_ROW_MAX = 8;

/**
 * Most that patience may double: with it a request may wait longer than the progress timer allows.
 */
const PATIENCE_MAX = 64;

/**
 * Watches for a primary that is just fast enough not to be voted out by the progress timer (VT7).
 *
 * A request that this backup knows from its client should be ordered within a few times what
 * agreement itself takes here: the time from a pre-prepare to its decision. Every replacement for
 * slowness doubles the patience, and every stable checkpoint halves it, so that an overloaded
 * cluster does not change views for ever.
 */
export class PrimaryMonitor {
  #agreementTicks = 0;
  #slowInRow = 0;
  #patience = 1;

  /** A batch was decided `ticks` after its pre-prepare was accepted. */
  agreed(ticks: Ticks): void {
    this.#agreementTicks += (ticks - this.#agreementTicks) * SMOOTHING;
  }

  /**
   * A pre-prepare came for a request that had been known here for `ticks`.
   * @returns whether the primary is to be replaced.
   */
  ordered(ticks: Ticks): boolean {
    const allowed = this.#patience * (SLACK_TICKS + AGREEMENTS_MAX * this.#agreementTicks);
    this.#slowInRow = ticks > allowed ? this.#slowInRow + 1 : 0;
    return this.#slowInRow >= SLOW_IN_ROW_MAX;
  }

  /** The primary was voted out for slowness. */
  replaced(): void {
    this.#patience = Math.min(2 * this.#patience, PATIENCE_MAX);
  }

  /** Another primary leads now. */
  restart(): void {
    this.#slowInRow = 0;
  }

  /** A checkpoint became stable: things work. */
  relax(): void {
    this.#patience = Math.max(1, this.#patience / 2);
  }
}
