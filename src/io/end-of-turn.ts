/**
 * What many do once each at the end of a turn of the event loop, on one call of Node's. Added by
 * one who waited for a promise, it comes once all those have gone on, so that what they began is
 * part of the turn; added where a datagram comes in, before they do.
 */
export class EndOfTurn {
  readonly #atEnd: (run: () => void) => void;
  readonly #actions: (() => void)[] = [];

  /** @param atEnd calls `run` at the end of the present turn. */
  constructor(
    atEnd: (run: () => void) => void = (run) => {
      process.nextTick(run);
    },
  ) {
    this.#atEnd = atEnd;
  }

  /** Calls `action` at the end of this turn, after all that were added before it. */
  add(action: () => void): void {
    this.#actions.push(action);
    if (this.#actions.length === 1) this.#runSoon();
  }

  #runSoon(): void {
    this.#atEnd(() => {
      this.#run();
    });
  }

  /**
   * What an action adds belongs to this turn too. When one throws the others come after it: each
   * was promised its call, and does not ask again before.
   */
  #run(): void {
    let count = 0;
    try {
      for (const action of this.#actions) {
        count += 1;
        action();
      }
    } finally {
      this.#actions.splice(0, count);
      if (this.#actions.length > 0) this.#runSoon();
    }
  }
}
