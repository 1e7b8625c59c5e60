import type { Prng } from "./prng.js";

/** Virtual time since the start of the run, in microseconds. */
export type Micros = number;

/** Microseconds of a millisecond. */
export const MS: Micros = 1_000;

/** Microseconds of a second. */
export const SECOND: Micros = 1_000 * MS;

interface Entry {
  readonly time: Micros;
  /** Drawn from the seed: which of two things happens first at one instant is chance. */
  readonly tiebreak: number;
  readonly run: () => void;
}

/** The only clock there is: whatever happens is an entry of its queue. */
export class Scheduler {
  readonly #prng: Prng;
  readonly #heap: Entry[] = [];
  #now: Micros = 0;
  #eventCount = 0;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  get now(): Micros {
    return this.#now;
  }

  /** Entries run so far. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Runs `run` after `delay` (0 and up). */
  after(delay: Micros, run: () => void): void {
    const time = this.#now + Math.max(0, Math.round(delay));
    this.#push({ time, tiebreak: this.#prng.u32(), run });
  }

  /** Runs the next entry; false when there is none at or before `end`. */
  step(end: Micros): boolean {
    const [next] = this.#heap;
    if (next === undefined || next.time > end) {
      this.#now = end;
      return false;
    }
    this.#pop();
    this.#now = next.time;
    this.#eventCount += 1;
    next.run();
    return true;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const isRight = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry);
      const child = isRight ? right : left;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(left: Entry, right: Entry): boolean {
  return left.time < right.time || (left.time === right.time && left.tiebreak < right.tiebreak);
}
