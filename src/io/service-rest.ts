import type { TurnBudget } from "./turn-budget.js";

/** As much of a service as it takes to hash it bit by bit. */
interface Hashed {
  rehashSome(): boolean;
}

/**
 * Lets a service rest while what is one thing takes several turns: its root is computed, what
 * changed is copied, a batch is executed. Meanwhile nothing else is executed or copied, and
 * everything else goes on (datagrams, votes).
 */
export class ServiceRest {
  readonly #service: Hashed;
  readonly #budget: TurnBudget;
  /** Who has asked for a rest that is not over. */
  #restCount = 0;
  #last: Promise<void> = Promise.resolve();
  /** What waits until the service rests no more. */
  #waiting: (() => void)[] = [];

  constructor(service: Hashed, budget: TurnBudget) {
    this.#service = service;
    this.#budget = budget;
  }

  /** Calls `act` at once, unless the service rests: then when it does no more. */
  whenOver(act: () => void): void {
    if (this.#restCount === 0) act();
    else this.#waiting.push(act);
  }

  /**
   * Makes a change of the state step by step: at once as far as this turn has time for it, unless
   * the service rests. What is left is done in later turns, while it rests for everybody else.
   */
  change(steps: Iterator<unknown, void>): void {
    this.whenOver(() => {
      if (this.#budget.attempt(steps) !== null) return;
      void this.resting(() => this.#budget.complete(steps));
    });
  }

  /**
   * Calls `act`, at the earliest after what runs now, in a turn in which the state's root costs
   * nothing; the service rests until `act` is done.
   */
  hashed<T>(act: () => T | Promise<T>): Promise<T> {
    return this.resting(async () => {
      await this.#budget.complete(hashing(this.#service));
      return act();
    });
  }

  /**
   * Calls `act`, at the earliest after what runs now, and after all that was asked for before; the
   * service rests until `act` is done.
   */
  resting<T>(act: () => Promise<T>): Promise<T> {
    this.#restCount += 1;
    const result = this.#last.then(act);
    // Before whoever waits for the result goes on; and the result itself is not kept.
    this.#last = result.then(() => {
      this.#over();
    });
    return result;
  }

  #over(): void {
    this.#restCount -= 1;
    if (this.#restCount > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) this.whenOver(act);
  }
}

/** The steps to a root that costs nothing. */
export function* hashing(service: Hashed): Generator<undefined, void> {
  while (!service.rehashSome()) yield;
}
