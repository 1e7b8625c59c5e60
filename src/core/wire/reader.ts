import { assert } from "../base/assert.js";
import { HEAP_ARRAY_BYTES_MAX } from "../base/bytes.js";
import { type Digest, DIGEST_BYTES } from "../base/hasher.js";
import { COUNTER_BYTES, readCounter, readU16, readU32 } from "./integers.js";
import type { WireReject } from "./reject.js";

const NO_DIGESTS: readonly Digest[] = [];
const NO_DIGEST: Digest = new Uint8Array(DIGEST_BYTES);

/**
 * Reads fields one after another from untrusted bytes. Never throws: the first thing that is wrong
 * is kept in `rejected`, and from then on every field reads as zero or empty, so that a decoder
 * needs one check at its end. What it read until then must be thrown away.
 */
export class Reader {
  readonly bytes: Uint8Array;
  /** Next byte to read. */
  offset: number;
  /** End of what may be read (excluded). */
  end: number;
  /** The first thing that was wrong, or null. */
  rejected: WireReject | null = null;
  readonly #isCopied: boolean;
  readonly #digests: readonly Digest[];
  #digestNext: number;

  /**
   * @param end where to stop (excluded).
   * @param digests digests computed by a verifier, handed out by `computedDigest`.
   * @param digestFirst number of the first of them.
   * @param isCopied whether each `view` is a copy.
   */
  constructor(
    bytes: Uint8Array,
    start: number,
    end: number,
    digests = NO_DIGESTS,
    digestFirst = 0,
    isCopied = bytes.length <= HEAP_ARRAY_BYTES_MAX,
  ) {
    this.bytes = bytes;
    this.offset = start;
    this.end = end;
    this.#digests = digests;
    this.#digestNext = digestFirst;
    this.#isCopied = isCopied;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.end - this.offset;
  }

  /** Keeps `code` unless something was wrong before, and stops reading. */
  reject(code: WireReject): void {
    this.rejected ??= code;
    this.offset = this.end;
  }

  /** An 8-bit integer. */
  u8(): number {
    const start = this.#advance(1);
    return start < 0 ? 0 : (this.bytes[start] ?? 0);
  }

  /** A 16-bit integer. */
  u16(): number {
    const start = this.#advance(2);
    return start < 0 ? 0 : readU16(this.bytes, start);
  }

  /** The 16-bit integer that comes next, which is not passed over; 0 where there is none. */
  peekU16(): number {
    return this.remaining < 2 ? 0 : readU16(this.bytes, this.offset);
  }

  /** A 32-bit integer. */
  u32(): number {
    const start = this.#advance(4);
    return start < 0 ? 0 : readU32(this.bytes, start);
  }

  /** A 64-bit integer, 0 to `COUNTER_MAX` (included). */
  counter(): number {
    const start = this.#advance(COUNTER_BYTES);
    if (start < 0) return 0;
    const value = readCounter(this.bytes, start);
    if (value === null) this.reject("wire/counter-range");
    return value ?? 0;
  }

  /** Index of a replica, 0 to `replicaCount` (excluded). */
  replica(replicaCount: number): number {
    const replica = this.u8();
    if (replica >= replicaCount) this.reject("wire/unknown-replica");
    return replica;
  }

  /** A digest, copied: votes are kept long, and must not keep a whole datagram with them. */
  digest(): Digest {
    const start = this.#advance(DIGEST_BYTES);
    if (start < 0) return NO_DIGEST;
    const digest = new Uint8Array(DIGEST_BYTES);
    for (let index = 0; index < DIGEST_BYTES; index += 1) {
      digest[index] = this.bytes[start + index] ?? 0;
    }
    return digest;
  }

  /** The next `length` bytes, not to be written to: a view, or a copy where that is cheaper. */
  view(length: number): Uint8Array {
    const start = this.#advance(length);
    const end = start < 0 ? start : start + length;
    return this.#isCopied ? this.bytes.slice(start, end) : this.bytes.subarray(start, end);
  }

  /** Takes the last `length` bytes away, as a `view`: what is left ends before them. */
  cut(length: number): Uint8Array {
    if (length > this.remaining) {
      this.reject("wire/truncated");
      return this.view(0);
    }
    const { offset, end } = this;
    this.offset = end - length;
    const tail = this.view(length);
    this.offset = offset;
    this.end = end - length;
    return tail;
  }

  /** Passes over the next `length` bytes. */
  skip(length: number): void {
    this.#advance(length);
  }

  /** Everything up to `tailBytes` before the end, as a `view`. */
  rest(tailBytes = 0): Uint8Array {
    if (this.remaining < tailBytes) this.reject("wire/truncated");
    return this.view(Math.max(0, this.remaining - tailBytes));
  }

  /**
   * Whether `count` items of `itemBytes` each may follow: there are enough bytes for them, and they
   * are at most `countMax`, else `tooMany` is the reason. To be asked before anything is allocated.
   */
  allows(count: number, itemBytes: number, countMax: number, tooMany: WireReject): boolean {
    if (count > countMax) this.reject(tooMany);
    else if (count * itemBytes > this.remaining) this.reject("wire/truncated");
    return this.rejected === null;
  }

  /** Reads a length and narrows the reader to that many bytes; returns the end to `leave` to. */
  enter(): number {
    const length = this.u32();
    const outerEnd = this.end;
    if (length > this.remaining) this.reject("wire/truncated");
    else this.end = this.offset + length;
    return outerEnd;
  }

  /** Ends what `enter` began: all of it must have been read. */
  leave(outerEnd: number): void {
    this.finish();
    this.end = outerEnd;
    if (this.rejected !== null) this.offset = outerEnd;
  }

  /** Reads a type that has to be `type`. */
  expectType(type: number): void {
    if (this.u8() !== type) this.reject("wire/unknown-type");
  }

  /** Nothing may be left. */
  finish(): void {
    if (this.remaining > 0) this.reject("wire/trailing-bytes");
  }

  /** The next digest that a verifier computed for what is read here. */
  computedDigest(): Digest {
    if (this.rejected !== null) return NO_DIGEST;
    const digest = this.#digests[this.#digestNext];
    assert(digest !== undefined, "the plan has a digest for everything that the decoder reads");
    this.#digestNext += 1;
    return digest;
  }

  /** Moves on by `length` and returns where it was, or -1 when so much is not there. */
  #advance(length: number): number {
    if (length > this.remaining) {
      this.reject("wire/truncated");
      return -1;
    }
    const start = this.offset;
    this.offset = start + length;
    return start;
  }
}
