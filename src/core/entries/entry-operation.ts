/*
 * An operation of a service as it stands in a bundle:
 *
 *   │ 0 u8: it may write, 1: it only reads │ the operation, to the end │
 *
 * A read that gets no quorum of answers in time is ordered, and executed like everything that is
 * ordered: it says itself that it must not change anything (RO2).
 */

const WRITE_TAG = 0;
const READ_TAG = 1;

/** What an operation may do. */
export type EntryAccess = "write" | "read";

/** The operation as it stands in a bundle. */
export function taggedOperation(access: EntryAccess, operation: Uint8Array): Uint8Array {
  const tagged = new Uint8Array(1 + operation.length);
  tagged[0] = access === "read" ? READ_TAG : WRITE_TAG;
  tagged.set(operation, 1);
  return tagged;
}

/** What an operation in a bundle says that it may do; null: nothing that is known. */
export function accessOf(tagged: Uint8Array): EntryAccess | null {
  if (tagged.length === 0) return null;
  if (tagged[0] === WRITE_TAG) return "write";
  return tagged[0] === READ_TAG ? "read" : null;
}
