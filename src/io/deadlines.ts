/** A moment, and what to do when it passes. */
export interface Deadline {
  /** By `performance.now()`, in milliseconds. */
  readonly atMs: number;
  /** Called once, at the earliest a millisecond before `atMs`. */
  readonly passed: () => void;
}

/** What a timer can't tell apart, in milliseconds. */
const TIMER_MS = 1;

/** Longest that a timer of Node's may be set for, in milliseconds. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * The deadlines of many who wait, on one timer. Hardly any ever passes, and to set and clear a
 * timer for each took 1 µs of an operation; this one is set when it fires, or for an earlier one.
 */
export class Deadlines {
  readonly #waiting = new Set<Deadline>();
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  /** Has `deadline.passed` called unless it is removed before. */
  add(deadline: Deadline): void {
    this.#waiting.add(deadline);
    if (deadline.atMs < this.#timerAtMs) this.#setTimer(deadline.atMs);
  }

  /** Forgets `deadline`. Idempotent. */
  remove(deadline: Deadline): void {
    this.#waiting.delete(deadline);
  }

  /** Lets the process end if nobody waits any more. */
  stop(): void {
    if (this.#waiting.size === 0) this.#setTimer(Infinity);
  }

  #setTimer(atMs: number): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    this.#timerAtMs = atMs === Infinity ? atMs : Math.min(atMs, nowMs + TIMER_MS_MAX);
    if (atMs === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#fire();
    }, this.#timerAtMs - nowMs);
  }

  /** A timer may fire a little before its time by the other clock. */
  #fire(): void {
    const untilMs = Math.max(performance.now(), this.#timerAtMs) + TIMER_MS;
    const due: Deadline[] = [];
    let nextMs = Infinity;
    for (const deadline of this.#waiting) {
      if (deadline.atMs < untilMs) due.push(deadline);
      else nextMs = Math.min(nextMs, deadline.atMs);
    }
    this.#setTimer(nextMs);
    for (const deadline of due) if (this.#waiting.delete(deadline)) deadline.passed();
  }
}
