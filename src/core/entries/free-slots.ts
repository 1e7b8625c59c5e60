/**
 * Free slots, of which the lowest is taken first: which one that is follows from the state alone,
 * however it came about. A binary heap.
 */
export class FreeSlots {
  readonly #heap: number[] = [];

  /** How many there are. */
  get count(): number {
    return this.#heap.length;
  }

  /** Adds `slot`, which is not there. */
  add(slot: number): void {
    const heap = this.#heap;
    let place = heap.length;
    heap.push(slot);
    while (place > 0) {
      const parent = (place - 1) >>> 1;
      const above = heap[parent] ?? 0;
      if (above <= slot) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = slot;
  }

  /** Takes the lowest out; null if there is none. */
  take(): number | null {
    const heap = this.#heap;
    const lowest = heap[0];
    const last = heap.pop();
    if (lowest === undefined || last === undefined) return null;
    if (heap.length > 0) this.#sink(last);
    return lowest;
  }

  /** Puts `slot` in the place of the lowest, and then where it belongs. */
  #sink(slot: number): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below !== undefined && right !== undefined && right < below) {
        child += 1;
        below = right;
      }
      if (below === undefined || below >= slot) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = slot;
  }
}
