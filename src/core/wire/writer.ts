import { assert } from "../base/assert.js";
import { type Digest, DIGEST_BYTES } from "../base/hasher.js";
import { COUNTER_BYTES, writeCounter, writeU16, writeU32 } from "./integers.js";

/**
 * Writes fields one after another into a new buffer of exactly the size that the caller computed:
 * nothing grows, nothing is copied at the end, and a wrong size is a bug that shows at once.
 */
export class Writer {
  readonly #bytes: Uint8Array;
  #offset = 0;

  /** @param size of everything that will be written, in bytes. */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** An 8-bit integer. */
  u8(value: number): void {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xff, "the value fits 8 bits");
    this.#bytes[this.#advance(1)] = value;
  }

  /** A 16-bit integer. */
  u16(value: number): void {
    writeU16(this.#bytes, this.#advance(2), value);
  }

  /** A 32-bit integer. */
  u32(value: number): void {
    writeU32(this.#bytes, this.#advance(4), value);
  }

  /** A counter, as 64 bits. */
  counter(value: number): void {
    writeCounter(this.#bytes, this.#advance(COUNTER_BYTES), value);
  }

  /** A digest. */
  digest(digest: Digest): void {
    assert(digest.length === DIGEST_BYTES, "a digest has 32 bytes");
    this.raw(digest);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#advance(bytes.length));
  }

  /** Leaves `length` bytes zero: room for a signature. */
  skip(length: number): void {
    this.#advance(length);
  }

  /** The buffer. @throws InvariantError unless all of it was written. */
  finish(): Uint8Array {
    assert(this.#offset === this.#bytes.length, "the size computed is the size written");
    return this.#bytes;
  }

  #advance(length: number): number {
    const start = this.#offset;
    this.#offset = start + length;
    assert(this.#offset <= this.#bytes.length, "the size computed is the size written");
    return start;
  }
}
