import { assert } from "../core/base/assert.js";
import type { PackedBalances } from "../core/ledger/packed-accounts.js";
import type { AccountRow, EntryRow, SessionName, SessionRow, StoredBlock } from "./store.js";

/*
 * Rows to and from the columns of the files in sql/. Each list of columns is the order of the
 * values in the functions below it.
 */

/** What a column holds, as it is written and as the drivers return it. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** A row as a driver returns it when asked for exact integers. */
export type SqlRow = readonly SqlValue[];

/** The columns of CUSTOMER. */
export const CUSTOMER_COLUMNS =
  "CUSTOMER_ID, CUSTOMER_NAME, CUSTOMER_ADDRESS, BALANCE, ACCOUNT, OWNER";

/** One account as `CUSTOMER_COLUMNS`. */
export function customerValues(row: AccountRow): SqlValue[] {
  return [row.customerId, row.name, row.address, row.balance, row.account, row.owner];
}

/** One account from `CUSTOMER_COLUMNS`. */
export function accountOf(row: SqlRow): AccountRow {
  const [customerId, name, address, balance, account, owner] = row;
  return {
    customerId: Number(customerId),
    account: textOf(account),
    name: textOf(name),
    address: textOf(address),
    balance: integerOf(balance),
    owner: owner === null ? null : Number(owner),
  };
}

/** The columns of CUSTOMER_PROFILE. */
export const PROFILE_COLUMNS = "CUSTOMER_ID, CUSTOMER_NAME, CUSTOMER_ADDRESS, ACCOUNT, OWNER";

/** What never changes of one account, as `PROFILE_COLUMNS`. */
export function profileValues(row: AccountRow): SqlValue[] {
  return [row.customerId, row.name, row.address, row.account, row.owner];
}

/** The columns of CUSTOMER_BALANCE. */
export const BALANCE_COLUMNS = "CUSTOMER_ID, BALANCE";

/** What changes of one account, as `BALANCE_COLUMNS`. */
export function balanceValues(row: AccountRow): SqlValue[] {
  return [row.customerId, row.balance];
}

/** Balances that changed, each as `BALANCE_COLUMNS`. */
export function changedValues({ customerIds, balances }: PackedBalances): SqlValue[] {
  const values = new Array<SqlValue>(2 * balances.length);
  for (let place = 0; place < balances.length; place += 1) {
    values[2 * place] = customerIds[place] ?? 0;
    values[2 * place + 1] = balances[place] ?? 0n;
  }
  return values;
}

/** The columns of ENTRY. */
export const ENTRY_COLUMNS = "SLOT, ENTRY_KEY, ENTRY_VALUE";

/**
 * How many rows of ENTRY are read or written at a time: 32 MiB if they are as large as can be. A
 * million at once take twice the memory and twice the time to read.
 */
export const ENTRY_PIECE_ROWS = 4_096;

/** `rows`, a piece after another, each entry as `ENTRY_COLUMNS`. */
export function* entryPieces(rows: readonly EntryRow[] = []): Generator<SqlValue[][]> {
  for (let first = 0; first < rows.length; first += ENTRY_PIECE_ROWS) {
    const piece = rows.slice(first, first + ENTRY_PIECE_ROWS);
    yield piece.map(({ slot, key, value }) => [slot, key, value]);
  }
}

/** One entry from `ENTRY_COLUMNS`. */
export function entryOf(row: SqlRow): EntryRow {
  const [slot, key, value] = row;
  return { slot: Number(slot), key: textOf(key), value: bytesOf(value) };
}

/** The columns of SESSION. */
export const SESSION_COLUMNS =
  "CLIENT_ID, SESSION_ID, REQUEST_TIMESTAMP, SEQUENCE, REPLY_CODE, RESULTS";

/** One session as `SESSION_COLUMNS`. */
export function sessionValues(row: SessionRow): SqlValue[] {
  return [row.client, row.session, row.timestamp, row.seq, row.code, row.results];
}

/** One session from `SESSION_COLUMNS`. */
export function sessionOf(row: SqlRow): SessionRow {
  const [client, session, timestamp, seq, code, results] = row;
  return {
    client: Number(client),
    session: Number(session),
    timestamp: Number(timestamp),
    seq: Number(seq),
    code: Number(code),
    results: bytesOf(results),
  };
}

/** The columns of SESSION_EVICTED. */
export const EVICTED_COLUMNS = "CLIENT_ID, SESSION_ID";

/** The name of a session as `EVICTED_COLUMNS`. */
export function evictedValues(name: SessionName): SqlValue[] {
  return [name.client, name.session];
}

/** The name of a session from `EVICTED_COLUMNS`. */
export function evictedOf(row: SqlRow): SessionName {
  return { client: Number(row[0]), session: Number(row[1]) };
}

/** The columns of BLOCK. */
export const BLOCK_COLUMNS =
  "SEQUENCE, VIEW_NUMBER, DIGEST, REQUEST_COUNT, PREVIOUS_HASH, STORED_AT_MS";

/** One block from `BLOCK_COLUMNS`. */
export function blockOf(row: SqlRow): StoredBlock {
  const [seq, view, digest, requestCount, previousHash] = row;
  return {
    seq: Number(seq),
    view: Number(view),
    digest: bytesOf(digest),
    requestCount: Number(requestCount),
    previousHash: bytesOf(previousHash),
  };
}

/** The columns of META. */
export const META_COLUMNS = "META_ID, LAST_APPLIED, SERVICE_ROOT, CHAIN_HASH";

/** The bytes of a BLOB, copied out of the driver's buffer. */
export function bytesOf(value: SqlValue | undefined): Uint8Array {
  return new Uint8Array(value as Uint8Array);
}

/** A text, which a driver may return as bytes if its column compares byte by byte. */
function textOf(value: SqlValue | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);
}

function integerOf(value: SqlValue | undefined): bigint {
  assert(typeof value === "string" || typeof value === "bigint", "a BIGINT comes exactly");
  return BigInt(value);
}
