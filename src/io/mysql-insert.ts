import type { PackedBalances } from "../core/ledger/packed-accounts.js";
import type { MysqlConnection } from "./mysql-pool.js";
import { StoreError } from "./store.js";
import type { SqlValue } from "./store-rows.js";

/**
 * Most rows of one statement. Sizes are powers of two: the server and the driver keep each
 * statement prepared, and a handful of them makes any number of rows.
 */
const CHUNK_ROWS_MAX = 256;

/** Most balances of one statement, and the bytes of each: two numbers and what parts them. */
const BALANCES_MAX = 1_024;
const BALANCE_BYTES = 36;

/** Bytes around a statement's values, and around each value. */
const STATEMENT_BYTES = 1_024;
const VALUE_BYTES = 16;

/** Most bytes of one statement, however much the server would take. */
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Inserts `rows` in as few statements as the server's largest packet allows.
 * @param columns their names, separated by commas.
 * @param tail what follows the values, like an ON DUPLICATE KEY UPDATE clause.
 * @throws StoreError when the server takes no packet that holds one of the rows.
 */
export async function insertRows(
  connection: MysqlConnection,
  table: string,
  columns: string,
  rows: readonly (readonly SqlValue[])[],
  tail = "",
): Promise<void> {
  const tuple = tupleOf(columns.split(",").length);
  await inChunks(connection.packetBytesMax, rows, async (values, count) => {
    const sql = `INSERT INTO ${table} (${columns}) VALUES ${tuples(tuple, count)} ${tail}`;
    await connection.change(sql, values);
  });
}

/**
 * Changes balances of accounts that are in the customer table. Returns whether they were; if not,
 * the transaction must not be committed. As one JSON text for many: a row so takes 11 µs, 1.1 of
 * them this process's; as values of a statement it took 20, 4 to 6 of them this process's.
 */
export async function changeBalances(
  connection: MysqlConnection,
  pieces: readonly PackedBalances[],
): Promise<boolean> {
  const room = Math.floor((connection.packetBytesMax - STATEMENT_BYTES) / BALANCE_BYTES);
  const rowsMax = Math.min(Math.max(room, 1), BALANCES_MAX);
  // The order of the tables is that of the work: a balance after another, each found by its key.
  const sql =
    "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (" +
    "CHANGED_ID INTEGER PATH '$[0]', CHANGED_BALANCE BIGINT PATH '$[1]')) AS CHANGED " +
    "STRAIGHT_JOIN CUSTOMER ON CUSTOMER_ID = CHANGED_ID SET BALANCE = CHANGED_BALANCE";
  for (const { customerIds, balances } of pieces) {
    for (let first = 0; first < balances.length; first += rowsMax) {
      const end = Math.min(first + rowsMax, balances.length);
      const text = balancesJson(customerIds, balances, first, end);
      if ((await connection.change(sql, [text])) < end - first) return false;
    }
  }
  return true;
}

/** `[[id, balance], …]`, exact: the numbers of JSON have any size. */
function balancesJson(
  customerIds: Uint32Array,
  balances: BigInt64Array,
  first: number,
  end: number,
): string {
  let text = "";
  for (let place = first; place < end; place += 1) {
    text += `${text === "" ? "[" : ","}[${customerIds[place] ?? 0},${balances[place] ?? 0n}]`;
  }
  return `${text}]`;
}

/** Deletes the rows whose `columns` are one of `keys`, likewise. */
export async function deleteRows(
  connection: MysqlConnection,
  table: string,
  columns: string,
  keys: readonly (readonly SqlValue[])[],
): Promise<void> {
  const tuple = tupleOf(columns.split(",").length);
  await inChunks(connection.packetBytesMax, keys, async (values, count) => {
    const sql = `DELETE FROM ${table} WHERE (${columns}) IN (${tuples(tuple, count)})`;
    await connection.change(sql, values);
  });
}

async function inChunks(
  packetBytesMax: number,
  rows: readonly (readonly SqlValue[])[],
  send: (values: readonly SqlValue[], count: number) => Promise<void>,
): Promise<void> {
  const bytesMax = Math.min(packetBytesMax, CHUNK_BYTES_MAX) - STATEMENT_BYTES;
  for (let first = 0; first < rows.length;) {
    let size = 0;
    let count = 0;
    while (count < CHUNK_ROWS_MAX && first + count < rows.length) {
      size += bytesOfRow(rows[first + count] ?? []);
      if (size > bytesMax) break;
      count += 1;
    }
    if (count === 0) throw rowTooLarge(size, packetBytesMax);
    count = 2 ** Math.floor(Math.log2(count));
    await send(rows.slice(first, first + count).flat(), count);
    first += count;
  }
}

function bytesOfRow(row: readonly SqlValue[]): number {
  let bytes = 0;
  for (const value of row) {
    bytes += VALUE_BYTES;
    if (typeof value === "string") bytes += 3 * value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}

function rowTooLarge(bytes: number, packetBytesMax: number): StoreError {
  const needed = bytes + STATEMENT_BYTES;
  return new StoreError(
    `A row needs a packet of ${needed.toString()} bytes, and the database server takes ` +
      `${packetBytesMax.toString()}. Raise its max_allowed_packet and start the replica again.`,
  );
}

function tupleOf(columnCount: number): string {
  return `(${Array<string>(columnCount).fill("?").join(", ")})`;
}

function tuples(tuple: string, count: number): string {
  return Array<string>(count).fill(tuple).join(", ");
}
