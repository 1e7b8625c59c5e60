import type { SqliteValue } from "./sqlite-insert.js";
import type { AccountRow, SessionName, SessionRow } from "./store.js";

/*
 * Rows to and from the columns of sql/001-initial.sql. Each list of columns is the order of the
 * values in the functions below it.
 */

/** A row as the driver returns it when asked for exact integers. */
export type SqliteRow = readonly (string | bigint | Uint8Array | null)[];

/** The columns of CUSTOMER. */
export const CUSTOMER_COLUMNS =
  "CUSTOMER_ID, CUSTOMER_NAME, CUSTOMER_ADDRESS, BALANCE, ACCOUNT, OWNER";

/** One account as `CUSTOMER_COLUMNS`. */
export function customerValues(row: AccountRow): SqliteValue[] {
  return [row.customerId, row.name, row.address, row.balance, row.account, row.owner];
}

/** One account from `CUSTOMER_COLUMNS`. */
export function accountOf(row: SqliteRow): AccountRow {
  const [customerId, name, address, balance, account, owner] = row;
  return {
    customerId: Number(customerId),
    account: String(account),
    name: String(name),
    address: String(address),
    balance: balance as bigint,
    owner: owner === null ? null : Number(owner),
  };
}

/** The columns of SESSION. */
export const SESSION_COLUMNS =
  "CLIENT_ID, SESSION_ID, REQUEST_TIMESTAMP, SEQUENCE, REPLY_CODE, RESULTS";

/** One session as `SESSION_COLUMNS`. */
export function sessionValues(row: SessionRow): SqliteValue[] {
  return [row.client, row.session, row.timestamp, row.seq, row.code, row.results];
}

/** One session from `SESSION_COLUMNS`. */
export function sessionOf(row: SqliteRow): SessionRow {
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
export function evictedValues(name: SessionName): SqliteValue[] {
  return [name.client, name.session];
}

/** The name of a session from `EVICTED_COLUMNS`. */
export function evictedOf(row: SqliteRow): SessionName {
  return { client: Number(row[0]), session: Number(row[1]) };
}

/** The bytes of a BLOB, copied out of the driver's buffer. */
export function bytesOf(value: SqliteRow[number] | undefined): Uint8Array {
  return new Uint8Array(value as Uint8Array);
}
