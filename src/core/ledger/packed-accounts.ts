import { assert } from "../base/assert.js";
import type { AccountRow } from "./account-row.js";
import { customerIdAt, decodeProfile, NO_OWNER, profileEndAt } from "./profile.js";

/**
 * Accounts in a form that takes little to make and to hand to another thread: a row with its texts
 * costs ten times as much, in the thread that has no time for it.
 */
export interface PackedAccounts {
  readonly balances: BigInt64Array;
  /** As many profiles, one after another. */
  readonly profiles: Uint8Array;
}

/** The rows of `packed`, in the same order. */
export function unpackAccounts({ balances, profiles }: PackedAccounts): AccountRow[] {
  const rows: AccountRow[] = [];
  let offset = 0;
  for (const balance of balances) {
    const { row, end } = rowAt(profiles, offset, balance);
    rows.push(row);
    offset = end;
  }
  assert(offset === profiles.length, "there is a profile for each balance");
  return rows;
}

/** Accounts, those that whoever asks knows apart. */
interface SplitAccounts {
  /** Customer id and balance of the first that is known, then of the second, and so on. */
  readonly known: (number | bigint)[];
  readonly others: PackedAccounts;
}

/**
 * Splits `packed`, which ascends by customer id, behind customer `lastKnownId`. Of an account that
 * is known only the balance can have changed, and to skip its texts costs a tenth of decoding them.
 */
export function splitAccounts(packed: PackedAccounts, lastKnownId: number): SplitAccounts {
  const { balances, profiles } = packed;
  let count = 0;
  let offset = 0;
  const ids = new Uint32Array(balances.length);
  while (count < balances.length) {
    const customerId = customerIdAt(profiles, offset);
    if (customerId > lastKnownId) break;
    ids[count] = customerId;
    offset = profileEndAt(profiles, offset);
    count += 1;
  }
  const known = new Array<number | bigint>(2 * count);
  for (let place = 0; place < count; place += 1) {
    known[2 * place] = ids[place] ?? 0;
    known[2 * place + 1] = balances[place] ?? 0n;
  }
  const others = { balances: balances.subarray(count), profiles: profiles.subarray(offset) };
  return { known, others };
}

/** The account whose profile starts at `start`, and where that ends. */
export function rowAt(
  profiles: Uint8Array,
  start: number,
  balance: bigint,
): { readonly row: AccountRow; readonly end: number } {
  const profile = decodeProfile(profiles, start);
  assert(profile !== null, "a profile was checked before it was kept");
  const { customerId, account, name, address, end } = profile;
  const owner = profile.owner === NO_OWNER ? null : profile.owner;
  return { row: { customerId, account, name, address, balance, owner }, end };
}
