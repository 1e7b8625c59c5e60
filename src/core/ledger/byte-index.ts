import { assert } from "../base/assert.js";
import { halfSipHash } from "./keyed-hash.js";

const ENTRIES_INITIAL = 64;
const KEY_BYTES_INITIAL = 1024;

/** Size of the secret that keeps clients from choosing keys that collide. */
export const INDEX_KEY_BYTES = 8;

/**
 * Finds the number of a byte string: 0 for the first that was added, 1 for the second, and so on.
 * Nothing is ever removed. Looking up allocates nothing.
 *
 * Open addressing with linear probing, at most half full, so a look-up takes about 1.5 probes. The
 * keys come from clients, who could flood one neighbourhood if they could predict the hash: hence
 * it is keyed. The layout is never observable, so every replica may have its own key, unknown to
 * all.
 */
export class ByteIndex {
  readonly #keyLow: number;
  readonly #keyHigh: number;
  /** Pairs: the hash, then the entry's number plus one, or 0 where the slot is free. */
  #slots = new Uint32Array(4 * ENTRIES_INITIAL);
  #slotMask = 2 * ENTRIES_INITIAL - 1;
  /** Entry i's key is `#keys`[`#keyEnds`[i], `#keyEnds`[i + 1]). */
  #keyEnds = new Uint32Array(ENTRIES_INITIAL + 1);
  #keys = new Uint8Array(KEY_BYTES_INITIAL);
  #size = 0;

  /** @param secret 8 bytes; a public value is fine where all clients are trusted or simulated. */
  constructor(secret: Uint8Array) {
    assert(secret.length === INDEX_KEY_BYTES, "the secret of an index has 8 bytes");
    const view = new DataView(secret.buffer, secret.byteOffset, INDEX_KEY_BYTES);
    this.#keyLow = view.getInt32(0, true);
    this.#keyHigh = view.getInt32(4, true);
  }

  /** How many byte strings it holds. */
  get size(): number {
    return this.#size;
  }

  /** The number of `bytes`[`start`, `end`), or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = halfSipHash(this.#keyLow, this.#keyHigh, bytes, start, end);
    const slots = this.#slots;
    for (let slot = hash & this.#slotMask; ; slot = (slot + 1) & this.#slotMask) {
      const entry = (slots[2 * slot + 1] ?? 0) - 1;
      if (entry < 0) return -1;
      if (slots[2 * slot] === hash && this.#keyEquals(entry, bytes, start, end)) return entry;
    }
  }

  /** Adds `bytes`[`start`, `end`), which it must not hold yet, and returns its number. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const entry = this.#size;
    this.#reserve(entry + 1, end - start);
    const keyStart = this.#keyEnds[entry] ?? 0;
    for (let offset = start; offset < end; offset += 1) {
      this.#keys[keyStart + offset - start] = bytes[offset] ?? 0;
    }
    this.#keyEnds[entry + 1] = keyStart + end - start;
    this.#place(halfSipHash(this.#keyLow, this.#keyHigh, bytes, start, end), entry);
    this.#size = entry + 1;
    return entry;
  }

  #keyEquals(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const keyStart = this.#keyEnds[entry] ?? 0;
    if ((this.#keyEnds[entry + 1] ?? 0) - keyStart !== end - start) return false;
    const keys = this.#keys;
    for (let offset = start; offset < end; offset += 1) {
      if (keys[keyStart + offset - start] !== bytes[offset]) return false;
    }
    return true;
  }

  #place(hash: number, entry: number): void {
    let slot = hash & this.#slotMask;
    while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#slotMask;
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = entry + 1;
  }

  #reserve(entries: number, keyBytes: number): void {
    const keyBytesNeeded = (this.#keyEnds[this.#size] ?? 0) + keyBytes;
    if (keyBytesNeeded > this.#keys.length) {
      const keys = new Uint8Array(2 * Math.max(keyBytesNeeded, this.#keys.length));
      keys.set(this.#keys);
      this.#keys = keys;
    }
    if (entries < this.#keyEnds.length) return;
    const keyEnds = new Uint32Array(2 * entries + 1);
    keyEnds.set(this.#keyEnds);
    this.#keyEnds = keyEnds;
    this.#spread(4 * entries);
  }

  /** Moves every entry into a table of at least `slotsMin` slots. */
  #spread(slotsMin: number): void {
    const old = this.#slots;
    let slotCount = 2 * ENTRIES_INITIAL;
    while (slotCount < slotsMin) slotCount *= 2;
    this.#slots = new Uint32Array(2 * slotCount);
    this.#slotMask = slotCount - 1;
    for (let slot = 0; slot < old.length; slot += 2) {
      const entry = (old[slot + 1] ?? 0) - 1;
      if (entry >= 0) this.#place(old[slot] ?? 0, entry);
    }
  }
}
