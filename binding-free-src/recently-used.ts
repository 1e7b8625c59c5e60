import { assert } from "../src/core/base/assert.js";

/**
 * Parsed keys by their raw bytes, the least recently used forgotten first: whoever sends us ever
 * new keys costs us time, never memory.
 */
export class RecentlyUsed<Value> {
  readonly #values = new Map<string, Value>();
  readonly #sizeMax: number;
  readonly #make: (key: Uint8Array) => Value;

  /**
   * @param sizeMax most values kept, 1 and up.
   * @param make computes the value of a key that is not kept; what it throws goes to the caller of
   * `get`.
   */
  constructor(sizeMax: number, make: (key: Uint8Array) => Value) {
    assert(sizeMax >= 1, "a cache holds at least one value");
    this.#sizeMax = sizeMax;
    this.#make = make;
  }

  /** The value that belongs to these bytes. */
  get(key: Uint8Array): Value {
    const name = Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
    const kept = this.#values.get(name);
    const value = kept ?? this.#make(key);
    if (kept !== undefined) this.#values.delete(name);
    else if (this.#values.size === this.#sizeMax) this.#forgetOldest();
    this.#values.set(name, value);
    return value;
  }

  /** A Map iterates in the order of insertion, and `get` reinserts: the first is the oldest. */
  #forgetOldest(): void {
    for (const name of this.#values.keys()) {
      this.#values.delete(name);
      return;
    }
  }
}
