/** Seeds are unsigned 32-bit integers: 0 (included) to this (excluded). */
export const SEED_LIMIT = 2 ** 32;

/** Outputs thrown away so that similar seeds do not start with similar numbers. */
const OUTPUTS_DISCARDED = 16;

/**
 * A small fast generator of pseudo-random numbers, so that one number repeats a whole workload.
 * The generator is sfc32 of PractRand (Chris Doty-Humphrey). Never for keys or nonces.
 */
export class Prng {
  #a = 0;
  #b = 0;
  #c: number;
  #counter = 1;

  /** @param seed 0 (included) to `SEED_LIMIT` (excluded). */
  constructor(seed: number) {
    this.#c = seed >>> 0;
    for (let index = 0; index < OUTPUTS_DISCARDED; index += 1) this.u32();
  }

  /** The next number, 0 (included) to 2^32 (excluded). */
  u32(): number {
    const mixed = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = (this.#b ^ (this.#b >>> 9)) >>> 0;
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) >>> 0;
    return mixed;
  }

  /**
   * An integer from 0 (included) to `limit` (excluded); `limit` is 1 to 2^32.
   * Some results are likelier than others by at most one part in 2^32 / limit.
   */
  below(limit: number): number {
    return Math.floor((this.u32() * limit) / 2 ** 32);
  }

  /** One of `items`, which is not empty. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }
}
