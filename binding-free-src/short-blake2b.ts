import { type Blake2bExports, blake2bModule, HASH_OFFSET } from "./blake2b-module.js";

/** A range of up to so many bytes is copied one by one: a view of it costs more. */
const VIEWLESS_BYTES_MAX = 96;

/**
 * Hashes short inputs: a write has a dozen MACs and digests of a block or two in each process, and
 * the way into an addon or into Node's own code is longer than the hash. Where processes share
 * processors little of it is in their caches.
 */
export class ShortBlake2b {
  readonly #memory: Uint8Array;
  readonly #hash: Blake2bExports["h"];

  /** Compiles the module, which takes some milliseconds. */
  constructor() {
    const module = new WebAssembly.Module(blake2bModule());
    const { m, h } = new WebAssembly.Instance(module).exports as Blake2bExports;
    this.#memory = new Uint8Array(m.buffer);
    this.#hash = h;
  }

  /** Does what `CryptoProvider.hashInto` does, up to 2,048 bytes in all. */
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
    const prefixBytes = prefix.length;
    memory.set(prefix);
    const byteCount = end - start;
    if (byteCount > VIEWLESS_BYTES_MAX) memory.set(bytes.subarray(start, end), prefixBytes);
    else {
      for (let index = 0; index < byteCount; index += 1) {
        memory[prefixBytes + index] = bytes[start + index] ?? 0;
      }
    }
    this.#hash(prefixBytes + byteCount);
    for (let index = 0; index < length; index += 1) {
      out[outOffset + index] = memory[HASH_OFFSET + index] ?? 0;
    }
  }
}
