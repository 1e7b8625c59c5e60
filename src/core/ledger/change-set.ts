/** A set of small numbers that fills fast and is emptied as a whole: which accounts changed. */
export class ChangeSet {
  #isMember = new Uint8Array(64);
  #members: number[] = [];

  /** Adds `index`, 0 and up, unless it is there. */
  add(index: number): void {
    if (index >= this.#isMember.length) this.#grow(index + 1);
    if (this.#isMember[index] === 1) return;
    this.#isMember[index] = 1;
    this.#members.push(index);
  }

  /** Empties the set and returns what was in it, ascending. */
  take(): Uint32Array {
    const members = Uint32Array.from(this.#members).sort();
    for (const index of members) this.#isMember[index] = 0;
    this.#members = [];
    return members;
  }

  #grow(sizeMin: number): void {
    const grown = new Uint8Array(2 * sizeMin);
    grown.set(this.#isMember);
    this.#isMember = grown;
  }
}
