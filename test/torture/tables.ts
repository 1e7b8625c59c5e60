import { pathToFileURL } from "node:url";
import Libsql from "libsql";
import type { ReplicaId } from "../../src/core/base/ids.js";
import { replicaDatabasePath } from "../../src/io/cluster-directory.js";
import type { Balances } from "./bank-search.js";

/*
 * A replica's database as SQL shows it, read without the product's code: what people who query it
 * would see.
 */

/** All rows that must be alike at replicas that applied the same batches. */
export interface Tables {
  /** The last batch in it. */
  readonly seq: number;
  /** By name of a table: its rows, each as one text. */
  readonly rows: ReadonlyMap<string, readonly string[]>;
  /** By sequence number: the digest of a batch. One that was skipped by a state transfer lacks. */
  readonly digests: ReadonlyMap<string, string>;
  readonly balances: Balances;
}

/** How long to wait for the replica's own transaction. */
const BUSY_TIMEOUT_MS = 5_000;

const QUERIES = {
  CUSTOMER:
    "SELECT CUSTOMER_ID, CUSTOMER_NAME, CUSTOMER_ADDRESS, BALANCE, ACCOUNT, OWNER " +
    "FROM CUSTOMER ORDER BY CUSTOMER_ID",
  SESSION:
    "SELECT CLIENT_ID, SESSION_ID, REQUEST_TIMESTAMP, SEQUENCE, REPLY_CODE, hex(RESULTS) " +
    "FROM SESSION ORDER BY CLIENT_ID, SESSION_ID",
  SESSION_EVICTED: "SELECT CLIENT_ID, SESSION_ID FROM SESSION_EVICTED ORDER BY CLIENT_ID",
  META: "SELECT META_ID, LAST_APPLIED, hex(SERVICE_ROOT) FROM META",
} as const;

const DIGESTS = "SELECT SEQUENCE, hex(DIGEST) FROM BLOCK ORDER BY SEQUENCE DESC LIMIT 1000";
const BALANCES = "SELECT ACCOUNT, BALANCE FROM CUSTOMER";

type Row = readonly (string | bigint | Buffer | null)[];

/** The tables of replica `id` at one moment; null while they are not set up or locked. */
export function readTables(dir: string, id: ReplicaId): Tables | null {
  const url = `${pathToFileURL(replicaDatabasePath(dir, id)).href}?mode=ro`;
  const database = new Libsql(url, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.defaultSafeIntegers(true);
    const select = (sql: string): Row[] => database.prepare(sql).raw().all() as Row[];
    database.exec("BEGIN");
    const names = Object.entries(QUERIES);
    const rows = new Map(names.map(([table, sql]) => [table, select(sql).map(textOf)]));
    const digests = new Map(select(DIGESTS).map(([seq, digest]) => [String(seq), String(digest)]));
    const balances = new Map(
      select(BALANCES).map(([name, held]) => [String(name), BigInt(String(held))]),
    );
    const [meta] = select(QUERIES.META);
    database.exec("COMMIT");
    return meta === undefined ? null : { seq: Number(meta[1]), rows, digests, balances };
  } catch (error) {
    // A replica that was just started anew may hold the lock, or not have made its tables.
    if (error instanceof Error && /no such table|locked|unable to open/.test(error.message))
      return null;
    throw error;
  } finally {
    database.close();
  }
}

/** Blobs are asked for in hexadecimal, so that every value has one text. */
function textOf(row: Row): string {
  return row
    .map((value) => (Buffer.isBuffer(value) ? value.toString("latin1") : String(value)))
    .join("|");
}

/** Where tables of replicas that applied the same batches differ, as a clause; null: nowhere. */
export function differenceIn(tables: readonly Tables[]): string | null {
  const [first] = tables;
  if (first === undefined) return null;
  for (const [replica, other] of tables.entries()) {
    for (const [table, rows] of first.rows) {
      const others = other.rows.get(table) ?? [];
      const at = Math.max(rows.length, others.length);
      const index = Array.from({ length: at }, (_, row) => row).find(
        (row) => rows[row] !== others[row],
      );
      if (index === undefined) continue;
      return (
        `after batch ${first.seq} ${table} holds ${rows[index] ?? "no row"} at replica 0 and ` +
        `${others[index] ?? "no row"} at replica ${replica}`
      );
    }
    for (const [seq, digest] of other.digests) {
      const expected = first.digests.get(seq) ?? digest;
      if (expected === digest) continue;
      return `batch ${seq} is ${expected} at replica 0 and ${digest} at replica ${replica}`;
    }
  }
  return null;
}
