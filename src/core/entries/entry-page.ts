import { decodePlainText, encodePlainText } from "../base/plain-text.js";
import { assert } from "../base/assert.js";
import { bytesConcat } from "../base/bytes.js";
import { ENTRY_VALUE_BYTES_MAX } from "./entry-row.js";

/*
 * A page is up to 8 consecutive slots, as it is hashed and sent:
 *
 *   (│ key length u8 │ key │ value length u16 │ value │) × slots        (big endian)
 *
 * A free slot has neither key nor value.
 */

/** Slots of a full page, which has 67 kB at most. */
export const PAGE_SLOTS = 8;

/** What is in one slot; key "" if it is free. */
export interface SlotContent {
  readonly key: string;
  readonly value: Uint8Array;
}

/** The bytes of a page. */
export function encodePage(slots: readonly SlotContent[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { key, value } of slots) {
    const keyBytes = encodePlainText(key);
    assert(keyBytes !== null, "a key was checked before it was kept");
    parts.push(Uint8Array.of(keyBytes.length), keyBytes);
    parts.push(Uint8Array.of(value.length >>> 8, value.length & 0xff), value);
  }
  return bytesConcat(parts);
}

/** What is in the slots of a page, or null when `bytes` can't be one. */
export function decodePage(bytes: Uint8Array): SlotContent[] | null {
  const slots: SlotContent[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const keyEnd = offset + 1 + (bytes[offset] ?? 0);
    const key = keyEnd <= bytes.length ? decodePlainText(bytes, offset + 1, keyEnd) : null;
    const length = 0x100 * (bytes[keyEnd] ?? 0) + (bytes[keyEnd + 1] ?? 0);
    offset = keyEnd + 2 + length;
    if (key === null || offset > bytes.length || length > ENTRY_VALUE_BYTES_MAX) return null;
    if (key === "" && length > 0) return null;
    // Not `slice`: that of a Buffer copies nothing.
    slots.push({ key, value: new Uint8Array(bytes.subarray(keyEnd + 2, offset)) });
  }
  return slots.length > PAGE_SLOTS ? null : slots;
}
