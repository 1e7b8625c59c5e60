/**
 * What many do once each at the end of a turn of the event loop, on one call of Node's. Added by
 * one who waited for a promise, it comes once all those have gone on, so that what they began is
 * part of the turn; added where a datagram comes in, before they do.
 */
export class EndOfTurn {
  readonly #atEnd: (run: () => void) => void;
  #actions: (() => void)[] = [];

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
    if (this.#actions.length > 1) return;
    this.#atEnd(() => {
      this.#run();
    });
  }

  /** What an action adds belongs to this turn too. What one throws ends the turn, and no other. */
  #run(): void {
    const actions = this.#actions;
    try {
      for (const action of actions) action();
    } finally {
      this.#actions = [];
    }
  }
}
