import { assert } from "./assert.js";

/*
 * A bundle is what a request carries: 1..N operations of one session, or the results for them.
 *
 *   ┌───────────┬───────────┬─────────────┬───────────┬─────────────┬─ ─ ─
 *   │ count u16 │ length u16│ operation 0 │ length u16│ operation 1 │
 *   └───────────┴───────────┴─────────────┴───────────┴─────────────┴─ ─ ─   (big endian)
 */

/** Most operations of one bundle: what the 16-bit count can say. */
export const BUNDLE_OPERATIONS_MAX = 65_535;

/** Largest operation or result inside a bundle, in bytes: what its 16-bit length can say. */
const BUNDLE_ITEM_BYTES_MAX = 65_535;

const COUNT_BYTES = 2;
const LENGTH_BYTES = 2;

/** What an item takes in a bundle besides its own bytes. */
export const ITEM_OVERHEAD_BYTES = LENGTH_BYTES;

/**
 * Walks over a bundle without copying or allocating per item. Make one per bundle, or `reset` one.
 *
 * Only bundles that passed `isBundle` may be read: the wire decoder checks that once, on arrival.
 */
export class BundleReader {
  /** The buffer that holds the current item. */
  bytes: Uint8Array;
  /** Where the current item starts in `bytes` (included). */
  start = 0;
  /** Where the current item ends in `bytes` (excluded). */
  end: number;
  /** Items not yet read. */
  remaining: number;

  constructor(bundle: Uint8Array) {
    this.bytes = bundle;
    this.remaining = readU16(bundle, 0);
    this.end = COUNT_BYTES;
  }

  /** Moves to the next item; false when there is none. */
  next(): boolean {
    if (this.remaining === 0) return false;
    this.remaining -= 1;
    const length = readU16(this.bytes, this.end);
    this.start = this.end + LENGTH_BYTES;
    this.end = this.start + length;
    assert(this.end <= this.bytes.length, "the bundle was checked before it was read");
    return true;
  }

  /** Length of the item that `next` moves to; only while there is one. */
  get nextLength(): number {
    return readU16(this.bytes, this.end);
  }

  /** Another reader of the items that this one has not read yet. */
  rest(): BundleReader {
    const rest = new BundleReader(this.bytes);
    rest.end = this.end;
    rest.remaining = this.remaining;
    return rest;
  }

  /** The current item as a view (no copy). */
  item(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }
}

/** Builds a bundle in one growing buffer. */
export class BundleWriter {
  #buffer: Uint8Array;
  #length = COUNT_BYTES;
  #count = 0;

  /** @param bytesInitial first capacity in bytes; the buffer doubles when it is full. */
  constructor(bytesInitial = 256) {
    this.#buffer = new Uint8Array(Math.max(bytesInitial, COUNT_BYTES));
  }

  /** Forgets all items and keeps the buffer: one writer serves many bundles. */
  clear(): void {
    this.#length = COUNT_BYTES;
    this.#count = 0;
  }

  /** Items appended so far. */
  get count(): number {
    return this.#count;
  }

  /** Size of the bundle so far, in bytes. */
  get byteLength(): number {
    return this.#length;
  }

  /** Size of the items so far, in bytes. */
  get itemBytes(): number {
    return this.#length - COUNT_BYTES - LENGTH_BYTES * this.#count;
  }

  /**
   * Appends one item of `length` bytes and returns where to write it: the caller fills
   * `buffer()[offset, offset + length)` before the next call.
   */
  reserve(length: number): number {
    assert(length <= BUNDLE_ITEM_BYTES_MAX, "a bundle item fits its length field");
    assert(this.#count < BUNDLE_OPERATIONS_MAX, "a bundle's count fits its field");
    const start = this.#length + LENGTH_BYTES;
    this.#grow(start + length);
    writeU16(this.#buffer, this.#length, length);
    this.#length = start + length;
    this.#count += 1;
    return start;
  }

  /** The buffer that `reserve` points into; valid until the next `reserve` or `append`. */
  buffer(): Uint8Array {
    return this.#buffer;
  }

  /** Appends a copy of `item`. */
  append(item: Uint8Array): void {
    const start = this.reserve(item.length);
    this.#buffer.set(item, start);
  }

  /** Appends `count` items as they stand in another bundle: `bundle`[`start`, `end`). */
  appendItems(bundle: Uint8Array, start: number, end: number, count: number): void {
    assert(this.#count + count <= BUNDLE_OPERATIONS_MAX, "a bundle's count fits its field");
    const offset = this.#length;
    this.#grow(offset + end - start);
    copyRange(bundle, start, end, this.#buffer, offset);
    this.#length = offset + end - start;
    this.#count += count;
  }

  /** The finished bundle, a copy of exactly its size. */
  finish(): Uint8Array {
    writeU16(this.#buffer, 0, this.#count);
    return this.#buffer.slice(0, this.#length);
  }

  #grow(bytesNeeded: number): void {
    if (bytesNeeded <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(bytesNeeded, 2 * this.#buffer.length));
    grown.set(this.#buffer);
    this.#buffer = grown;
  }
}

/** Few bytes are copied one by one: a view takes longer to make. */
const COPIED_SINGLY_MAX = 64;

function copyRange(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  offset: number,
): void {
  if (end - start > COPIED_SINGLY_MAX) target.set(source.subarray(start, end), offset);
  else for (let at = start; at < end; at += 1) target[offset + at - start] = source[at] ?? 0;
}

/** Whether `bytes` is exactly one well-formed bundle of at least one item. Never throws. */
export function isBundle(bytes: Uint8Array): boolean {
  if (bytes.length < COUNT_BYTES) return false;
  const count = readU16(bytes, 0);
  if (count === 0) return false;
  let offset = COUNT_BYTES;
  for (let index = 0; index < count; index += 1) {
    if (offset + LENGTH_BYTES > bytes.length) return false;
    offset += LENGTH_BYTES + readU16(bytes, offset);
  }
  return offset === bytes.length;
}

/** Number of items of a well-formed bundle; 0 when it is empty bytes. */
export function bundleCount(bundle: Uint8Array): number {
  return readU16(bundle, 0);
}

/** A bundle of exactly `items`, each copied. */
export function bundleOf(items: readonly Uint8Array[]): Uint8Array {
  const writer = new BundleWriter();
  for (const item of items) writer.append(item);
  return writer.finish();
}

/** The items of a well-formed bundle, as views. */
export function bundleItems(bundle: Uint8Array): Uint8Array[] {
  const reader = new BundleReader(bundle);
  const items: Uint8Array[] = [];
  while (reader.next()) items.push(reader.item());
  return items;
}

function readU16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value & 0xff;
}
