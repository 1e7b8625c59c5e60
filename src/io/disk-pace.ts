/** The disk may be waited for with a group of up to so many bytes; a larger one takes longer. */
const SMALL_BYTES_MAX = 16 * 1024;

/**
 * A write that the main thread waited for no longer is quick. A quick disk takes 0.15 to 0.3 ms,
 * and where processors are short 0.3 to 0.5; who waits for longer loses more than a thread costs.
 */
const WAIT_MS_QUICK = 0.75;

/**
 * The same of a write by another thread: with the way there, and the way back to a loop that is
 * busy. Above this a loop has better things to do than wait, or the disk is slow.
 */
const HOP_MS_QUICK = 1;

/** Of the writes of late so many may be slower: what a few of them take is chance. */
const SLOW_SHARE_MAX = 0.4;

/** How much the last write counts for among those of late: they are some 32. */
const LAST_WEIGHT = 1 / 32;

/**
 * A write that held the main thread up for so long was a stall: no turn of a loop is to take longer
 * than that. Shorter ones are mostly no fault of the disk's, others had the processor meanwhile.
 */
const STALL_MS_MIN = 10;

/**
 * After a stall of x ms the thread writes for 40 x² ms: for 4 seconds after one of 10 ms, for 16
 * after one of 20. What comes while the loop stands still waits for half of x, so of all that comes
 * at any time each waits 1/80 ms on the average for them, a third of what the thread would cost.
 */
const REST_MS_FACTOR = 40;

/** But no longer than an hour. */
const REST_MS_MAX = 3_600_000;

/**
 * Whether the journal's next write is to be made from the main thread. That saves the way to
 * another thread and back, a third of a write's processor time; but nothing else happens meanwhile,
 * reads and timers included. So it is done while the disk is known to be quick, and a disk that
 * stalls stops the loop once, and then for long not again. What takes less than a stall only counts
 * as a slow write.
 */
export class DiskPace {
  readonly #nowMs: () => number;
  /** Nothing is known at first, and what is not known may be slow. */
  #slowShare = 1;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs a clock in milliseconds that never goes back, with fractions. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Whether the main thread may wait until `byteCount` bytes are written. */
  allows(byteCount: number): boolean {
    if (byteCount > SMALL_BYTES_MAX || this.#slowShare > SLOW_SHARE_MAX) return false;
    return this.#nowMs() >= this.#restsUntilMs;
  }

  /** A write begins: what the calls below want to know of it. */
  start(): number {
    return this.#nowMs();
  }

  /** The main thread has waited for the write that began at `startMs`. */
  waited(startMs: number): void {
    const endMs = this.#nowMs();
    const ms = endMs - startMs;
    this.#note(ms > WAIT_MS_QUICK);
    if (ms < STALL_MS_MIN) return;
    this.#restsUntilMs = endMs + Math.min(REST_MS_FACTOR * ms * ms, REST_MS_MAX);
  }

  /** The write that began at `startMs`, small or large, was made by another thread. */
  wrote(startMs: number): void {
    this.#note(this.#nowMs() - startMs > HOP_MS_QUICK);
  }

  #note(isSlow: boolean): void {
    this.#slowShare += LAST_WEIGHT * (Number(isSlow) - this.#slowShare);
  }
}
