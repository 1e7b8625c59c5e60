import { assert } from "./assert.js";

/*
 * Strict UTF-8 (RFC 3629): one byte string for each text and one text for each byte string, so that
 * equal names are equal bytes on every replica. Overlong forms, surrogates and code points above
 * U+10FFFF are no UTF-8.
 */

const CODE_POINT_MAX = 0x10ffff;
const SURROGATE_MIN = 0xd800;
const SURROGATE_MAX = 0xdfff;

/** Smallest code point that needs a sequence of 1, 2, 3 or 4 bytes; index 0 is unused. */
const SEQUENCE_MIN = [0, 0, 0x80, 0x800, 0x10000] as const;

/** The UTF-8 bytes of `text`, or null when it holds half of a surrogate pair. */
export function encodeUtf8(text: string): Uint8Array | null {
  const bytes = new Uint8Array(3 * text.length);
  let length = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0);
    assert(codePoint !== undefined, "an iterated character has a code point");
    if (codePoint >= SURROGATE_MIN && codePoint <= SURROGATE_MAX) return null;
    length = writeSequence(bytes, length, codePoint);
  }
  return bytes.slice(0, length);
}

/** The text that `bytes`[`start`, `end`) spell, or null when they are not UTF-8. Never throws. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | null {
  let text = "";
  let offset = start;
  while (offset < end) {
    const length = sequenceLength(bytes[offset] ?? 0);
    if (length === 0 || offset + length > end) return null;
    const codePoint = readSequence(bytes, offset, length);
    if (codePoint < 0) return null;
    text += String.fromCodePoint(codePoint);
    offset += length;
  }
  return text;
}

function writeSequence(bytes: Uint8Array, offset: number, codePoint: number): number {
  if (codePoint < 0x80) {
    bytes[offset] = codePoint;
    return offset + 1;
  }
  const length = codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  let rest = codePoint;
  for (let index = length - 1; index > 0; index -= 1) {
    bytes[offset + index] = 0x80 | (rest & 0x3f);
    rest >>>= 6;
  }
  bytes[offset] = (0xf00 >>> length) | rest;
  return offset + length;
}

/** Bytes of the sequence that `lead` starts; 0 when no sequence starts so. */
function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 0;
}

/** The code point of a sequence of known length, or -1. */
function readSequence(bytes: Uint8Array, offset: number, length: number): number {
  const lead = bytes[offset] ?? 0;
  if (length === 1) return lead;
  let codePoint = lead & (0x7f >>> length);
  for (let index = 1; index < length; index += 1) {
    const byte = bytes[offset + index] ?? 0;
    if ((byte & 0xc0) !== 0x80) return -1;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  if (codePoint < (SEQUENCE_MIN[length] ?? 0) || codePoint > CODE_POINT_MAX) return -1;
  return codePoint >= SURROGATE_MIN && codePoint <= SURROGATE_MAX ? -1 : codePoint;
}
