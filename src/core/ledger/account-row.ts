import type { ClientId } from "../base/ids.js";

/** One row of the customer table, as the ledger exchanges it with the world. */
export interface AccountRow {
  /** 1 (included) to `CUSTOMER_ID_MAX` (included); the ledger numbers new accounts upwards. */
  readonly customerId: number;
  /** What the commands call it: A, B, C … Unique; 1 to 32 bytes of UTF-8, no control characters. */
  readonly account: string;
  /** 0 to 64 bytes of UTF-8, no control characters. */
  readonly name: string;
  /** 0 to 128 bytes of UTF-8, no control characters. */
  readonly address: string;
  /** Minor units, 0 (included) to 2^63 - 1 (included). */
  readonly balance: bigint;
  /** The client that owns it, or null: only tellers may use it. */
  readonly owner: ClientId | null;
}

/** Largest account id, in bytes of UTF-8; the smallest has 1. */
export const ACCOUNT_BYTES_MAX = 32;

/** Largest customer name, in bytes of UTF-8. */
export const NAME_BYTES_MAX = 64;

/** Largest customer address, in bytes of UTF-8. */
export const ADDRESS_BYTES_MAX = 128;

/** Largest customer id: what an INTEGER column holds in every SQL database. */
export const CUSTOMER_ID_MAX = 0x7fff_ffff;

/** Most accounts of one ledger; bounds the memory that clients who open accounts can take. */
export const ACCOUNTS_MAX = 1 << 24;

/** Largest balance or amount: 2^63 - 1 minor units. */
export const BALANCE_MAX = 0x7fff_ffff_ffff_ffffn;

/** Rows from outside cannot be a ledger's state. The message names the row and what is wrong. */
export class AccountRowError extends Error {
  override readonly name = "AccountRowError";
}
