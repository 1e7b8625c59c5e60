import { setImmediate as nextTurn } from "node:timers/promises";

/** As much of a ledger as it takes to hash it bit by bit. */
interface Hashed {
  rehash(pagesMax: number): boolean;
}

/**
 * Pages that one turn hashes: some 3 ms. A million accounts are 7,800 pages, and after changes all
 * over them their root at once would hold everybody up for 20 ms and more.
 */
const PAGES_PER_TURN = 1_024;

/**
 * Lets the ledger rest while its root is computed over several turns: meanwhile nothing is
 * executed, and everything else goes on (datagrams, votes, reads).
 */
export class LedgerRest {
  readonly #ledger: Hashed;
  /** Who has asked for a rest that is not over. */
  #restCount = 0;
  #last: Promise<void> = Promise.resolve();
  /** What waits to be executed. */
  #waiting: (() => void)[] = [];

  constructor(ledger: Hashed) {
    this.#ledger = ledger;
  }

  /** Calls `execute` at once, unless the ledger rests: then when it does no more. */
  whenOver(execute: () => void): void {
    if (this.#restCount === 0) execute();
    else this.#waiting.push(execute);
  }

  /**
   * Calls `act`, at once if it can be, in a turn in which the ledger's root costs nothing. `act`
   * may change the ledger.
   */
  whenHashed(act: () => void): void {
    if (this.#restCount === 0 && this.#ledger.rehash(PAGES_PER_TURN)) act();
    else void this.hashed(act);
  }

  /** The same, at the earliest after what runs now; the ledger rests until `act` is done. */
  hashed<T>(act: () => T | Promise<T>): Promise<T> {
    this.#restCount += 1;
    const result = this.#last.then(async () => {
      while (!this.#ledger.rehash(PAGES_PER_TURN)) await nextTurn();
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
