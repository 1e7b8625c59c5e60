import { assert } from "../base/assert.js";

const WORD = 0x1_0000_0000;

/** A big-endian view of exactly `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a safe integer, 0 and up, as 64 bits. */
export function writeU64(view: DataView, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, "a counter is a safe integer");
  view.setUint32(offset, Math.floor(value / WORD));
  view.setUint32(offset + 4, value % WORD);
}

/** Reads 64 bits as a number: exact for what `writeU64` wrote, rounded above 2^53. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset) * WORD + view.getUint32(offset + 4);
}
