import { assert } from "./assert.js";

/**
 * V8 keeps an array of so many bytes in its own heap. A view of it, or a DataView, moves it out,
 * with a buffer object to be collected some day: a copy costs less.
 */
export const HEAP_ARRAY_BYTES_MAX = 64;

/** Whether two byte strings are equal. Not constant-time: never for secrets or tags. */
export function bytesEqual(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) return false;
  }
  return true;
}

/** The byte strings one after another, in a new buffer. */
export function bytesConcat(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte] ?? "";
  return text;
}

/** The bytes of a string of ASCII characters. @throws InvariantError on any other character. */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    assert(code < 0x80, "the text is ASCII");
    bytes[index] = code;
  }
  return bytes;
}
