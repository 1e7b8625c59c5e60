/** A seeded stream of numbers (mulberry32): one seed gives one stream, on every machine. */
export class SeededNumbers {
  #state: number;

  /** @param seed 0 (included) to 2^32 (excluded). */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** The next integer, 0 (included) to `bound` (excluded). */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }
}

type Mutation = (bytes: Uint8Array, numbers: SeededNumbers) => Uint8Array;

/** Values at which decoders go wrong: zeros, ones, sign bits, off by one. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, numbers) {
    const at = numbers.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << numbers.below(8));
    return bytes;
  },
  function setExtreme(bytes, numbers) {
    bytes[numbers.below(bytes.length)] = EXTREMES[numbers.below(EXTREMES.length)] ?? 0;
    return bytes;
  },
  function fillRun(bytes, numbers) {
    const start = numbers.below(bytes.length);
    const value = EXTREMES[numbers.below(EXTREMES.length)] ?? 0;
    return bytes.fill(value, start, start + 1 + numbers.below(8));
  },
  function cutEnd(bytes, numbers) {
    return bytes.slice(0, 1 + numbers.below(bytes.length));
  },
  function cutOut(bytes, numbers) {
    const start = numbers.below(bytes.length);
    const end = Math.min(bytes.length, start + 1 + numbers.below(40));
    const kept = Uint8Array.of(...bytes.subarray(0, start), ...bytes.subarray(end));
    return kept.length > 0 ? kept : bytes;
  },
  function repeat(bytes, numbers) {
    const start = numbers.below(bytes.length);
    const end = Math.min(bytes.length, start + 1 + numbers.below(100));
    const run = bytes.subarray(start, end);
    return Uint8Array.of(...bytes.subarray(0, end), ...run, ...bytes.subarray(end));
  },
  function moveRun(bytes, numbers) {
    const start = numbers.below(bytes.length);
    bytes.copyWithin(numbers.below(bytes.length), start, start + 1 + numbers.below(40));
    return bytes;
  },
];

/** A copy of `bytes`, which are not empty, after one to four mutations. */
export function mutated(bytes: Uint8Array, numbers: SeededNumbers): Uint8Array {
  let result = Uint8Array.from(bytes);
  for (let count = 1 + numbers.below(4); count > 0; count -= 1) {
    const mutation = MUTATIONS[numbers.below(MUTATIONS.length)];
    if (mutation !== undefined) result = Uint8Array.from(mutation(result, numbers));
  }
  return result;
}
