import { assert } from "../core/base/assert.js";
import type { AppendId } from "../core/base/ids.js";

interface Waiting<T> {
  readonly after: AppendId;
  readonly effect: T;
}

/**
 * Holds back what must not be said before what it promises is durable (2.12). Effects that wait for
 * the same or an earlier append leave in the order in which they came.
 */
export class EffectGate<T> {
  readonly #waiting: Waiting<T>[] = [];
  #durable: AppendId = 0;

  /** Effects held back now. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Whether an effect that depends on append `after` may happen now; null depends on none. */
  isOpen(after: AppendId | null): boolean {
    return after === null || after <= this.#durable;
  }

  /** Holds `effect` back until append `after` is durable. */
  hold(after: AppendId, effect: T): void {
    assert(after > this.#durable, "what may happen now is not held back");
    this.#waiting.push({ after, effect });
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
