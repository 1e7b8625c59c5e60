import { assert } from "../base/assert.js";
import type { AccountRow } from "./account-row.js";
import { decodeProfile, NO_OWNER } from "./profile.js";

/**
 * Accounts in a form that takes little to make and to hand to another thread: a row with its texts
 * costs ten times as much, in the thread that has no time for it.
 */
export interface PackedAccounts {
  readonly balances: BigInt64Array;
  /** As many profiles, one after another. */
  readonly profiles: Uint8Array;
}

/** Balances of accounts that whoever is told knows already: nothing else of them ever changes. */
export interface PackedBalances {
  readonly customerIds: Uint32Array;
  /** As many balances. */
  readonly balances: BigInt64Array;
}

/** Some accounts that changed, or were opened. */
export interface PackedChanges {
  readonly changed: PackedBalances;
  /** All of them with customer ids above those of `changed`. */
  readonly opened: PackedAccounts;
}

/** All that `pieces` hold, as a store keeps it apart; without pieces of nothing. */
export function partChanges(pieces: readonly PackedChanges[]): {
  readonly accounts: readonly PackedAccounts[];
  readonly balances: readonly PackedBalances[];
} {
  return {
    accounts: pieces.map(({ opened }) => opened).filter(isFilled),
    balances: pieces.map(({ changed }) => changed).filter(isFilled),
  };
}

function isFilled({ balances }: PackedAccounts | PackedBalances): boolean {
  return balances.length > 0;
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
