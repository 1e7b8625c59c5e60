/*
 * Every choice of a run comes from here, so that one word repeats the run.
 *
 * The generator is sfc32 of PractRand (Chris Doty-Humphrey): four words of state, one of them a
 * counter. Streams are forked by name: what one part of the simulator draws does not shift what
 * another part draws, so a seed stays the same story while unrelated code changes.
 */

const OUTPUTS_DISCARDED = 12;
const WORD = 2 ** 32;

/** A stream of choices. */
export class Prng {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param name what the stream is drawn from: any text. */
  constructor(name: string) {
    this.#name = name;
    this.#a = hashOf(name, 0x9e3779b9);
    this.#b = hashOf(name, 0x243f6a88);
    this.#c = hashOf(name, 0xb7e15162);
    for (let index = 0; index < OUTPUTS_DISCARDED; index += 1) this.u32();
  }

  /** An independent stream for one part of the run. */
  fork(name: string): Prng {
    return new Prng(`${this.#name}/${name}`);
  }

  /** 0 (included) to 2^32 (excluded). */
  u32(): number {
    // Signed words: they are what the engine keeps without allocating.
    const mixed = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + mixed) | 0;
    return mixed >>> 0;
  }

  /** 0 (included) to 1 (excluded). */
  fraction(): number {
    return this.u32() / WORD;
  }

  /** An integer from 0 (included) to `limit` (excluded). */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer from `min` (included) to `max` (included). */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** A number from `min` (included) to `max` (excluded). */
  range(min: number, max: number): number {
    return min + this.fraction() * (max - min);
  }

  /** True in this share of the calls. */
  chance(share: number): boolean {
    return share > 0 && this.fraction() < share;
  }

  /** Exponentially distributed, 0 and up. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.fraction());
  }

  /** One of `items`, which is not empty. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** `count` different ones of `items`, in random order. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    const left = [...items];
    const taken: Item[] = [];
    while (taken.length < count && left.length > 0) {
      taken.push(...left.splice(this.below(left.length), 1));
    }
    return taken;
  }

  /** `count` bytes. */
  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.u32() & 0xff);
  }
}

/** FNV-1a over the text, then the finalizer of murmur3: close names give far numbers. */
function hashOf(text: string, basis: number): number {
  let hash = basis;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
