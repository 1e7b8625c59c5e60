import type { Ticks } from "../base/ids.js";

/** How many times the longest T reading a state in may stop the clock of what waits, at a time. */
const LEAVE_IN_TIMEOUTS = 8;

/** Ticks that earn one tick of leave again. */
const TICKS_PER_TICK_OF_LEAVE = 16;

/**
 * For how long the clock of what waits may stand still (VT6). To read a fetched state in may take a
 * large one longer than any timer runs, and whoever left its view meanwhile would help nobody. But
 * a primary can bring one installation about after the other, and a database may be away: so leave
 * is used up, and comes back slowly, whatever happens. So a wait is stretched by 8 of the longest T
 * and a sixteenth at most.
 */
export class ReadingLeave {
  readonly #ticksMax: Ticks;
  #ticks: Ticks;

  /** @param viewChangeTicksMax the longest T. */
  constructor(viewChangeTicksMax: Ticks) {
    this.#ticksMax = LEAVE_IN_TIMEOUTS * viewChangeTicksMax;
    this.#ticks = this.#ticksMax;
  }

  /** Whether this tick does not count for what waits. To be asked once a tick. */
  takesTick(isReading: boolean): boolean {
    if (isReading && this.#ticks >= 1) {
      this.#ticks -= 1;
      return true;
    }
    this.#ticks = Math.min(this.#ticksMax, this.#ticks + 1 / TICKS_PER_TICK_OF_LEAVE);
    return false;
  }
}
