/**
 * What a turn of the main loop may spend on work that can be cut into steps, in milliseconds by the
 * clock: what others take of the processor meanwhile makes a turn shorter, never longer. Half of
 * the 10 ms that no turn should take, for it has datagrams, signatures and garbage beside that.
 */
const TURN_MS_MAX = 4;

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
  #spentMs = 0;
  /** Whether the end of the present turn will be told. */
  #isEndDue = false;
  /** Who waits for the next turn. */
  #waiting: (() => void)[] = [];

  /**
   * @param endOfTurn calls `over` when what the present turn brought is dealt with.
   * @param nowMs a clock in milliseconds.
   */
  constructor(
    endOfTurn: (over: () => void) => void = setImmediate,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#endOfTurn = endOfTurn;
    this.#nowMs = nowMs;
  }

  /** Makes `steps` while there is time in this turn; null if they are not at their end then. */
  attempt<T>(steps: Iterator<unknown, T>): Outcome<T> | null {
    const beforeMs = this.#spentMs;
    if (beforeMs >= TURN_MS_MAX) return null;
    this.#awaitEnd();
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

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#awaitEnd();
    });
  }

  #awaitEnd(): void {
    if (this.#isEndDue) return;
    this.#isEndDue = true;
    this.#endOfTurn(() => {
      this.#isEndDue = false;
      this.#spentMs = 0;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const resolve of waiting) resolve();
    });
  }
}
