import { assert } from "../core/base/assert.js";
import type { AppendId } from "../core/base/ids.js";

/**
 * Most effects of a replica that wait for its journal. A full window makes it wait for three times
 * 512 votes, and every other may ask for them again; while a disk stalls, whoever asks on and on
 * would else fill the memory. What is refused counts as lost on the way: replicas ask for it
 * (RT1), clients repeat.
 */
export const HELD_EFFECTS_MAX = 16_384;

interface Waiting<T> {
  readonly after: AppendId;
  readonly effect: T;
}

/**
 * Holds back what must not be said before what it promises is durable (2.12). Effects that wait for
 * the same or an earlier append leave in the order in which they came. Bounded, whoever asks for
 * what (I11).
 */
export class EffectGate<T> {
  readonly #waiting: Waiting<T>[] = [];
  readonly #sizeMax: number;
  #durable: AppendId = 0;

  /** @param sizeMax most effects that are held back at a time. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** Effects held back now. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Whether an effect that depends on append `after` may happen now; null depends on none. */
  isOpen(after: AppendId | null): boolean {
    return after === null || after <= this.#durable;
  }

  /** Holds `effect` back until append `after` is durable; false if there is no room for it. */
  hold(after: AppendId, effect: T): boolean {
    assert(after > this.#durable, "what may happen now is not held back");
    if (this.#waiting.length >= this.#sizeMax) return false;
    this.#waiting.push({ after, effect });
    return true;
  }

  /** Everything up to append `id` is durable: hands out what may happen now. */
  open(id: AppendId): T[] {
    assert(id >= this.#durable, "appends become durable in order");
    this.#durable = id;
    const ready = this.#waiting.filter((waiting) => waiting.after <= id);
    if (ready.length === 0) return [];
    const rest = this.#waiting.filter((waiting) => waiting.after > id);
    this.#waiting.splice(0, this.#waiting.length, ...rest);
    return ready.map((waiting) => waiting.effect);
  }
}
