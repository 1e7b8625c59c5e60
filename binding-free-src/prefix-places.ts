import { HASH_BYTES } from "./blake2b-module.js";

/**
 * Places in a memory for what comes of prefix blocks, by the very array that holds the block. One
 * is free again, and wiped, once nobody has that array any more: what is kept of a block with a key
 * is as secret as the key.
 */
export class PrefixPlaces {
  readonly #memory: Uint8Array;
  readonly #places = new WeakMap<Uint8Array, number>();
  readonly #finalization: FinalizationRegistry<number>;
  /** Places that were given, and are free again. */
  readonly #free: number[] = [];
  /** The first place that was never given. */
  #next: number;

  /** @param start the places are from there to the end of `memory`. */
  constructor(memory: Uint8Array, start: number) {
    this.#memory = memory;
    this.#next = start;
    this.#finalization = new FinalizationRegistry((place) => {
      memory.fill(0, place, place + HASH_BYTES);
      this.#free.push(place);
    });
  }

  /** The place of `prefix`, if it has one. */
  of(prefix: Uint8Array): number | undefined {
    return this.#places.get(prefix);
  }

  /** Gives `prefix` a place, and copies there what is at `from`; null if no place is free. */
  keep(prefix: Uint8Array, from: number): number | null {
    const place = this.#free.pop() ?? this.#nextPlace();
    if (place === null) return null;
    this.#memory.copyWithin(place, from, from + HASH_BYTES);
    this.#places.set(prefix, place);
    this.#finalization.register(prefix, place);
    return place;
  }

  #nextPlace(): number | null {
    const place = this.#next;
    if (place + HASH_BYTES > this.#memory.length) return null;
    this.#next = place + HASH_BYTES;
    return place;
  }
}
