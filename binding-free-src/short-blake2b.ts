import {
  type Blake2bExports,
  blake2bModule,
  blake2bStart,
  BLOCK_BYTES,
  HASH_OFFSET,
  PLACES_OFFSET,
  START_OFFSET,
} from "./blake2b-module.js";
import { PrefixPlaces } from "./prefix-places.js";

/** A range of up to so many bytes is copied one by one: a view of it costs more. */
const VIEWLESS_BYTES_MAX = 96;

/**
 * Size of the memory: enough for what comes of 16,000 blocks, and a replica has three keys with
 * each of 4,000 clients at most.
 */
const MEMORY_PAGES = 16;

/**
 * Hashes short inputs: a write has a dozen MACs and digests of a block or two in each process, and
 * the way into an addon or into Node's own code is longer than the hash. Where processes share
 * processors little of it is in their caches. What comes of a prefix block is kept, for nearly
 * everything is hashed behind one of a few that it has in common with others.
 */
export class ShortBlake2b {
  readonly #memory: Uint8Array;
  readonly #takeBlock: Blake2bExports["b"];
  readonly #places: PrefixPlaces;

  /**
   * Compiles the module, which takes some milliseconds.
   * @param memoryPages of 64 KiB each, 1 to 65,536 (included); what of them the module does not
   * need keeps what comes of prefix blocks.
   */
  constructor(memoryPages = MEMORY_PAGES) {
    const module = new WebAssembly.Module(blake2bModule(memoryPages));
    const { m, b } = new WebAssembly.Instance(module).exports as Blake2bExports;
    this.#memory = new Uint8Array(m.buffer);
    this.#memory.set(blake2bStart(), START_OFFSET);
    this.#takeBlock = b;
    this.#places = new PrefixPlaces(this.#memory, PLACES_OFFSET);
  }

  /**
   * Does what `CryptoProvider.hashInto` does, up to 2,048 bytes in all; its caller has checked that
   * `prefix` is one block.
   */
  hashInto(
    out: Uint8Array,
    outOffset: number,
    length: number,
    prefix: Uint8Array,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const memory = this.#memory;
    const byteCount = end - start;
    if (byteCount === 0) this.#takePrefixBlock(prefix, BLOCK_BYTES);
    else {
      const place = this.#places.of(prefix) ?? this.#takePrefix(prefix);
      if (byteCount > VIEWLESS_BYTES_MAX) memory.set(bytes.subarray(start, end), BLOCK_BYTES);
      else {
        for (let index = 0; index < byteCount; index += 1) {
          memory[BLOCK_BYTES + index] = bytes[start + index] ?? 0;
        }
      }
      const inputEnd = BLOCK_BYTES + byteCount;
      this.#takeBlock(BLOCK_BYTES, inputEnd, place);
      for (let block = 2 * BLOCK_BYTES; block < inputEnd; block += BLOCK_BYTES) {
        this.#takeBlock(block, inputEnd, HASH_OFFSET);
      }
    }
    for (let index = 0; index < length; index += 1) {
      out[outOffset + index] = memory[HASH_OFFSET + index] ?? 0;
    }
  }

  /** Where what comes of `prefix`, with more behind it, is: at its own place, if one is free. */
  #takePrefix(prefix: Uint8Array): number {
    this.#takePrefixBlock(prefix, BLOCK_BYTES + 1);
    return this.#places.keep(prefix, HASH_OFFSET) ?? HASH_OFFSET;
  }

  /** Takes `prefix` as the first block of an input that ends at `inputEnd`. */
  #takePrefixBlock(prefix: Uint8Array, inputEnd: number): void {
    this.#memory.set(prefix);
    this.#takeBlock(0, inputEnd, START_OFFSET);
    // It may hold a key, and only a prefix that has no place yet would be written over it.
    this.#memory.fill(0, 0, BLOCK_BYTES);
  }
}
