/**
 * What a turn of the main loop may spend on work that can be cut into steps, in milliseconds by the
 * clock: what others take of the processor meanwhile makes a turn shorter, never longer. A fifth of
 * the 10 ms that no turn should take, for a full collection of garbage takes 5 to 7 on a slow
 * processor, and there are datagrams and signatures beside that. With 4 as many operations are
 * executed, and the median of longest turns is half a millisecond more.
 */
const TURN_MS_MAX = 2;

/**
 * What a turn may have taken before the first of these steps, in milliseconds of processor time:
 * for what is more there is less of them, down to one, so that no turn goes without.
 */
const OTHERS_MS_MAX = 2;

/** What came of steps that are at their end. */
interface Outcome<T> {
  readonly value: T;
}

/**
 * Divides long work over turns of the main loop: execution, hashing, copying for the database. All
 * of it has one budget a turn, so that it does not add up.
 */
export class TurnBudget {
  readonly #endOfTurn: (over: () => void) => void;
  readonly #nowMs: () => number;
  readonly #turnMs: () => number;
  #spentMs = 0;
  /** Whether the end of the present turn will be told. */
  #isEndDue = false;
  /** Who waits for the next turn. */
  #waiting: (() => void)[] = [];

  /**
   * @param endOfTurn calls `over` when what the present turn brought is dealt with.
   * @param nowMs a clock in milliseconds.
   * @param turnMs what the present turn has taken so far, in milliseconds of processor time.
   */
  constructor(
    endOfTurn: (over: () => void) => void = setImmediate,
    nowMs: () => number = () => performance.now(),
    turnMs: () => number = () => 0,
  ) {
    this.#endOfTurn = endOfTurn;
    this.#nowMs = nowMs;
    this.#turnMs = turnMs;
  }

  /** Makes `steps` while there is time in this turn; null if they are not at their end then. */
  attempt<T>(steps: Iterator<unknown, T>): Outcome<T> | null {
    if (this.#isEndDue && this.#spentMs >= TURN_MS_MAX) return null;
    this.#begin();
    const beforeMs = this.#spentMs;
    const startMs = this.#nowMs();
    for (;;) {
      const step = steps.next();
      this.#spentMs = Math.max(this.#spentMs, beforeMs + this.#nowMs() - startMs);
      if (step.done === true) return { value: step.value };
      if (this.#spentMs >= TURN_MS_MAX) return null;
    }
  }

  /** Makes all of `steps`, from now on, in as many turns as that takes. */
  async complete<T>(steps: Iterator<unknown, T>): Promise<T> {
    for (;;) {
      const outcome = this.attempt(steps);
      if (outcome !== null) return outcome.value;
      await this.#nextTurn();
    }
  }

  /**
   * Makes all of `steps`, from now on, one in each turn however much that has taken: what has time,
   * but must come to its end under any load.
   */
  async trickle<T>(steps: Iterator<unknown, T>): Promise<T> {
    for (;;) {
      this.#begin();
      const startMs = this.#nowMs();
      const step = steps.next();
      this.#spentMs += this.#nowMs() - startMs;
      if (step.done === true) return step.value;
      await this.#nextTurn();
    }
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#awaitEnd();
    });
  }

  /** The first step of a turn is about to be made. */
  #begin(): void {
    if (this.#isEndDue) return;
    this.#spentMs = Math.max(0, this.#turnMs() - OTHERS_MS_MAX);
    this.#awaitEnd();
  }

  #awaitEnd(): void {
    if (this.#isEndDue) return;
    this.#isEndDue = true;
    this.#endOfTurn(() => {
      this.#isEndDue = false;
      this.#spentMs = 0;
      if (this.#waiting.length > 0) this.#goOnLater();
    });
  }

  /**
   * Those who wait go on once the next turn has read what has come meanwhile: what it took, and
   * garbage collection may be a part of it, counts first.
   */
  #goOnLater(): void {
    setImmediate(() => {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
    });
  }
}
