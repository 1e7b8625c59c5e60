const WORD_BITS = 32;

/** A set of small numbers that fills fast and is emptied as a whole: which rows changed. */
export class ChangeSet {
  /** Bit i % 32 of word i / 32: whether i is in it. For a million it fits a cache. */
  #words = new Uint32Array(4);
  #size = 0;

  /** Adds `index`, 0 and up, unless it is there. */
  add(index: number): void {
    const place = index >>> 5;
    if (place >= this.#words.length) this.#grow(place + 1);
    const word = this.#words[place] ?? 0;
    const changed = (word | (1 << (index % WORD_BITS))) >>> 0;
    if (changed === word) return;
    this.#words[place] = changed;
    this.#size += 1;
  }

  /**
   * Empties the set: returns what was in it, ascending, piece by piece, each of `sizeMin` members,
   * 1 and up, or a few more. Nothing may be added before the last one.
   */
  *take(sizeMin: number): Generator<Uint32Array, void> {
    const words = this.#words;
    let place = 0;
    while (this.#size > 0) {
      const piece = new Uint32Array(Math.min(this.#size, sizeMin + WORD_BITS));
      const sizeDue = Math.min(this.#size, sizeMin);
      let count = 0;
      for (; count < sizeDue; place += 1) {
        for (let word = words[place] ?? 0; word !== 0; word &= word - 1) {
          // The lowest bit that is set.
          piece[count] = WORD_BITS * place + (WORD_BITS - 1 - Math.clz32(word & -word));
          count += 1;
        }
        words[place] = 0;
      }
      this.#size -= count;
      yield piece.subarray(0, count);
    }
  }

  #grow(sizeMin: number): void {
    const grown = new Uint32Array(2 * sizeMin);
    grown.set(this.#words);
    this.#words = grown;
  }
}
