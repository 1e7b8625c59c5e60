import { setImmediate as nextTurn } from "node:timers/promises";

/** As much of a service as it takes to hash it bit by bit. */
interface Hashed {
  rehashSome(): boolean;
}

/**
 * Lets a service rest while its root is computed over several turns: meanwhile nothing is
 * executed, and everything else goes on (datagrams, votes, reads).
 */
export class ServiceRest {
  readonly #service: Hashed;
  /** Who has asked for a rest that is not over. */
  #restCount = 0;
  #last: Promise<void> = Promise.resolve();
  /** What waits to be executed. */
  #waiting: (() => void)[] = [];

  constructor(service: Hashed) {
    this.#service = service;
  }

  /** Calls `execute` at once, unless the service rests: then when it does no more. */
  whenOver(execute: () => void): void {
    if (this.#restCount === 0) execute();
    else this.#waiting.push(execute);
  }

  /**
   * Calls `act`, at once if it can be, in a turn in which the state's root costs nothing. `act`
   * may change the state.
   */
  whenHashed(act: () => void): void {
    if (this.#restCount === 0 && this.#service.rehashSome()) act();
    else void this.hashed(act);
  }

  /** The same, at the earliest after what runs now; the service rests until `act` is done. */
  hashed<T>(act: () => T | Promise<T>): Promise<T> {
    this.#restCount += 1;
    const result = this.#last.then(async () => {
      while (!this.#service.rehashSome()) await nextTurn();
      return await act();
    });
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
    for (const execute of waiting) this.whenOver(execute);
  }
}
