import { assert } from "../base/assert.js";
import {
  ACCOUNT_BYTES_MAX,
  ADDRESS_BYTES_MAX,
  type AccountRow,
  AccountRowError,
  BALANCE_MAX,
  CUSTOMER_ID_MAX,
  NAME_BYTES_MAX,
} from "./account-row.js";
import { Accounts } from "./accounts.js";
import { type Page, PAGE_ACCOUNTS, splitPage } from "./page.js";
import { encodePlainText } from "../base/plain-text.js";
import { decodeProfile, NO_OWNER } from "./profile.js";

const OWNER_MAX = 0x7fff_ffff;

/**
 * The accounts that `rows`, ascending by customer id, describe.
 * @throws AccountRowError naming the first row that can't be an account.
 */
export function accountsFromRows(rows: readonly AccountRow[], indexKey: Uint8Array): Accounts {
  const accounts = new Accounts(indexKey);
  for (const row of rows) {
    const fault = addRow(accounts, row);
    if (fault === null) continue;
    throw new AccountRowError(`The account of customer ${row.customerId} ${fault}.`);
  }
  return accounts;
}

/**
 * Adds the accounts of a state that is cut into `pages`, all of them, in order, a page at each
 * step.
 * @throws InvariantError when they are no state: whoever agreed on their digests made them.
 */
export function* addPages(accounts: Accounts, pages: readonly Uint8Array[]): Generator<void> {
  for (const [index, bytes] of pages.entries()) {
    const page = splitPage(bytes);
    assert(page !== null, "a page has a head");
    const isFull = page.balances.length === PAGE_ACCOUNTS;
    assert(isFull || index === pages.length - 1, "all pages but the last are full");
    addPage(accounts, page);
    yield;
  }
}

function addPage(accounts: Accounts, page: Page): void {
  let offset = 0;
  for (const balance of page.balances) {
    const profile = decodeProfile(page.profiles, offset);
    assert(profile !== null, "a page holds a profile for each balance");
    const owner = profile.owner === NO_OWNER ? null : profile.owner;
    const fault = addRow(accounts, { ...profile, owner, balance });
    assert(fault === null, `an account of a page ${String(fault)}`);
    offset = profile.end;
  }
  assert(offset === page.profiles.length, "a page ends with its last profile");
}

/** Opens the account that `row` describes; else says what is wrong with it. */
function addRow(accounts: Accounts, row: AccountRow): string | null {
  const account = encodePlainText(row.account);
  const name = encodePlainText(row.name);
  const address = encodePlainText(row.address);
  if (account === null || name === null || address === null) return "holds a control character";
  const fault = textFault(account, name, address) ?? numberFault(row);
  if (fault !== null) return fault;
  if (row.customerId <= accounts.lastCustomerId) return "does not follow the customer before it";
  if (accounts.find(account, 0, account.length) >= 0) return "appears twice";
  accounts.open(row.customerId, row.owner ?? NO_OWNER, account, name, address, row.balance);
  return null;
}

function textFault(account: Uint8Array, name: Uint8Array, address: Uint8Array): string | null {
  if (account.length === 0) return "has no name to call it by";
  if (account.length > ACCOUNT_BYTES_MAX) return `has more than ${ACCOUNT_BYTES_MAX} bytes`;
  if (name.length > NAME_BYTES_MAX) return `has a name of more than ${NAME_BYTES_MAX} bytes`;
  const isTooLong = address.length > ADDRESS_BYTES_MAX;
  return isTooLong ? `has an address of more than ${ADDRESS_BYTES_MAX} bytes` : null;
}

function numberFault(row: AccountRow): string | null {
  if (!isIntegerUpTo(row.customerId, CUSTOMER_ID_MAX)) return "has a customer id out of range";
  if (row.owner !== null && !isIntegerUpTo(row.owner, OWNER_MAX)) return "has an impossible owner";
  const isInRange = row.balance >= 0n && row.balance <= BALANCE_MAX;
  return isInRange ? null : "has a balance outside 0 to 2^63 - 1";
}

function isIntegerUpTo(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
