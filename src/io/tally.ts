/** Counts events by a code, such as why a datagram was dropped. Codes are few: our own literals. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Counts one more `code`. */
  add(code: string): void {
    this.#counts.set(code, this.of(code) + 1);
  }

  /** How often `code` was counted. */
  of(code: string): number {
    return this.#counts.get(code) ?? 0;
  }

  /** Every code that was counted, with its count. */
  entries(): IterableIterator<[string, number]> {
    return this.#counts.entries();
  }
}
