import { decodeUtf8, encodeUtf8 } from "./utf8.js";

/*
 * Plain text is UTF-8 without control characters (C0, DEL, C1): what a name may be. A terminal, a
 * log line or a table that shows it can't be steered by it.
 */

const CONTROL = /\p{Cc}/u;

/**
 * The plain text in `bytes`[`start`, `end`), or null when they are something else. Never throws.
 */
export function decodePlainText(bytes: Uint8Array, start: number, end: number): string | null {
  if (isPlainAscii(bytes, start, end)) {
    return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
  }
  const text = decodeUtf8(bytes, start, end);
  return text === null || CONTROL.test(text) ? null : text;
}

/** Whether every byte is a printable ASCII character, as nearly all are in names. */
function isPlainAscii(bytes: Uint8Array, start: number, end: number): boolean {
  if (end > bytes.length) return false;
  for (let offset = start; offset < end; offset += 1) {
    const byte = bytes[offset] ?? 0;
    if (byte < 0x20 || byte > 0x7e) return false;
  }
  return true;
}

/** The bytes of `text`, or null when it is no plain text. */
export function encodePlainText(text: string): Uint8Array | null {
  return CONTROL.test(text) ? null : encodeUtf8(text);
}
