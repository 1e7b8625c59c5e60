import { assert } from "../base/assert.js";
import { COUNTER_MAX } from "../base/limits.js";

/*
 * Big-endian integers at fixed offsets of a byte array. Plain index arithmetic: in V8 it costs no
 * more than a DataView, and there is none to allocate for each datagram. The callers check bounds.
 */

/** Size of a counter on the wire. */
export const COUNTER_BYTES = 8;

const WORD = 0x1_0000_0000;

/** The 16-bit integer at `offset`. */
export function readU16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** The 32-bit integer at `offset`, 0 and up. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset) * 0x1_0000 + readU16(bytes, offset + 2);
}

/** The 64-bit integer at `offset`, or null when it is above `COUNTER_MAX`. */
export function readCounter(bytes: Uint8Array, offset: number): number | null {
  const value = readU32(bytes, offset) * WORD + readU32(bytes, offset + 4);
  return value <= COUNTER_MAX ? value : null;
}

/** Writes a 16-bit integer. @throws InvariantError outside 0 to 2^16 - 1 (included). */
export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  assert(Number.isInteger(value) && value >= 0 && value <= 0xffff, "the value fits 16 bits");
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value & 0xff;
}

/** Writes a 32-bit integer. @throws InvariantError outside 0 to 2^32 - 1 (included). */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  assert(Number.isInteger(value) && value >= 0 && value < WORD, "the value fits 32 bits");
  writeWord(bytes, offset, value);
}

/** Writes a counter as 64 bits. @throws InvariantError outside 0 to `COUNTER_MAX` (included). */
export function writeCounter(bytes: Uint8Array, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, "a counter is a safe integer");
  writeWord(bytes, offset, value / WORD);
  writeWord(bytes, offset + 4, value);
}

/** Writes the lowest 32 bits before the point, which is what shifting leaves of any number. */
function writeWord(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}
