/*
 * The result of one operation in a bundle:
 *
 *   │ 1 u8 │ what the service returned, to the end │
 *   │ 0 u8 │   it failed
 *   │ 2 u8 │   it had no room beside the operations before it, or their results: it changed nothing
 */

const FAILED_TAG = 0;
const DONE_TAG = 1;
const CROWDED_TAG = 2;

/** The result of an operation that failed. */
export const FAILED_RESULT = Uint8Array.of(FAILED_TAG);

/** The result of an operation that may be tried again, with fewer others in its request. */
export const CROWDED_RESULT = Uint8Array.of(CROWDED_TAG);

/** The result of an operation for which the service returned `bytes`. */
export function doneResult(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(1 + bytes.length);
  result[0] = DONE_TAG;
  result.set(bytes, 1);
  return result;
}

/** What a result in `bytes`[`start`, `end`) says: a copy of what was returned, or why not. */
export function readResult(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | "failed" | "crowded" {
  if (start === end) return "failed";
  if (bytes[start] === DONE_TAG) return new Uint8Array(bytes.subarray(start + 1, end));
  return bytes[start] === CROWDED_TAG ? "crowded" : "failed";
}
