import { bytesConcat } from "../base/bytes.js";
import type { ClientId } from "../base/ids.js";
import { ACCOUNT_BYTES_MAX, ADDRESS_BYTES_MAX, NAME_BYTES_MAX } from "./account-row.js";
import { decodePlainText } from "../base/plain-text.js";

/*
 * A profile is what never changes about an account once it is open: everything but its balance.
 *
 * Integers are big endian; owner -1 says that there is none.
 *
 *   │ customer id u32 │ owner i32 │ account │ name │ address │
 *                                  └ length u8 │ bytes
 */

/** Stands for "no owner" where a client id is a number. */
export const NO_OWNER = -1;

/** Where the account starts in a profile, behind its length. */
const PROFILE_ACCOUNT_OFFSET = 9;

/** Largest profile. */
export const PROFILE_BYTES_MAX =
  PROFILE_ACCOUNT_OFFSET + ACCOUNT_BYTES_MAX + 1 + NAME_BYTES_MAX + 1 + ADDRESS_BYTES_MAX;

/** A profile, decoded. */
interface Profile {
  readonly customerId: number;
  /** A client id, or `NO_OWNER`. */
  readonly owner: ClientId;
  readonly account: string;
  readonly name: string;
  readonly address: string;
  /** Where it ends in the bytes it was read from (excluded). */
  readonly end: number;
}

/** The bytes of a profile. Each text is at most 255 bytes. */
export function encodeProfile(
  customerId: number,
  owner: ClientId,
  account: Uint8Array,
  name: Uint8Array,
  address: Uint8Array,
): Uint8Array {
  const head = new Uint8Array(PROFILE_ACCOUNT_OFFSET);
  const data = new DataView(head.buffer);
  data.setUint32(0, customerId);
  data.setInt32(4, owner);
  head[8] = account.length;
  const lengthOf = (text: Uint8Array): Uint8Array => Uint8Array.of(text.length);
  return bytesConcat([head, account, lengthOf(name), name, lengthOf(address), address]);
}

/** The profile at `start` of `bytes`, or null when there is none. Never throws. */
export function decodeProfile(bytes: Uint8Array, start: number): Profile | null {
  if (start + PROFILE_ACCOUNT_OFFSET > bytes.length) return null;
  const data = new DataView(bytes.buffer, bytes.byteOffset + start, PROFILE_ACCOUNT_OFFSET);
  const account = decodeText(bytes, start + PROFILE_ACCOUNT_OFFSET - 1, ACCOUNT_BYTES_MAX);
  if (account === null || account.text === "") return null;
  const name = decodeText(bytes, account.end, NAME_BYTES_MAX);
  if (name === null) return null;
  const address = decodeText(bytes, name.end, ADDRESS_BYTES_MAX);
  if (address === null) return null;
  return {
    customerId: data.getUint32(0),
    owner: data.getInt32(4),
    account: account.text,
    name: name.text,
    address: address.text,
    end: address.end,
  };
}

function decodeText(
  bytes: Uint8Array,
  start: number,
  bytesMax: number,
): { readonly text: string; readonly end: number } | null {
  const length = bytes[start] ?? bytesMax + 1;
  const end = start + 1 + length;
  if (length > bytesMax || end > bytes.length) return null;
  const text = decodePlainText(bytes, start + 1, end);
  return text === null ? null : { text, end };
}
