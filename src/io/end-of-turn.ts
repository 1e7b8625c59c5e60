/**
 * What many do once each at the end of a turn of the event loop, on one call of Node's: once
 * whoever waited for what the turn brought has gone on, so that what these began meanwhile is part
 * of it.
 */
export class EndOfTurn {
  readonly #actions: (() => void)[] = [];

  /** Calls `action` at the end of this turn, after all that were added before it. */
  add(action: () => void): void {
    this.#actions.push(action);
    if (this.#actions.length > 1) return;
    process.nextTick(() => {
      this.#run();
    });
  }

  /** What an action adds belongs to this turn too. */
  #run(): void {
    for (const action of this.#actions) action();
    this.#actions.length = 0;
  }
}
