import { pathToFileURL } from "node:url";
import Libsql from "libsql";
import type { ReplicaId } from "../../src/core/base/ids.js";
import { replicaDatabasePath } from "../../src/io/cluster-directory.js";
import type { MysqlAddress } from "../../src/io/mysql-address.js";
import { MysqlPool } from "../../src/io/mysql-pool.js";
import { StoreError } from "../../src/io/store.js";
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

type Row = readonly unknown[];

/** Reads the tables of a replica at one moment; null while they are not set up, or out of reach. */
export type TableReader = (id: ReplicaId) => Promise<Tables | null>;

/** Reads the embedded databases in `dir`. */
export function sqliteReader(dir: string): TableReader {
  return async (id) => {
    const url = `${pathToFileURL(replicaDatabasePath(dir, id)).href}?mode=ro`;
    const database = new Libsql(url, { timeout: BUSY_TIMEOUT_MS });
    try {
      database.defaultSafeIntegers(true);
      database.exec("BEGIN");
      return await tablesIn((sql) => database.prepare(sql).raw().all() as Row[]);
    } catch (error) {
      // A replica that was just started anew may hold the lock, or not have made its tables.
      const isPassing = /no such table|locked|unable to open/;
      if (error instanceof Error && isPassing.test(error.message)) return null;
      throw error;
    } finally {
      database.close();
    }
  };
}

/** Reads the schemas on a server. */
export function mysqlReader(address: MysqlAddress): TableReader {
  return async (id) => {
    const pool = new MysqlPool("The database under torture", address);
    try {
      return await pool.transaction(async (connection) => {
        await connection.run(`USE ${address.prefix}_${id}`);
        return tablesIn((sql) => connection.select(sql));
      });
    } catch (error) {
      // The server is down, or the replica has not made its tables.
      if (error instanceof StoreError) return null;
      throw error;
    } finally {
      await pool.close();
    }
  };
}

async function tablesIn(
  select: (sql: string) => readonly Row[] | Promise<readonly Row[]>,
): Promise<Tables | null> {
  const rows = new Map<string, readonly string[]>();
  for (const [table, sql] of Object.entries(QUERIES)) {
    rows.set(table, (await select(sql)).map(textOf));
  }
  const digests = new Map((await select(DIGESTS)).map(([seq, hex]) => [String(seq), String(hex)]));
  const balances = new Map(
    (await select(BALANCES)).map(([name, held]) => [valueText(name), BigInt(String(held))]),
  );
  const [meta] = await select(QUERIES.META);
  return meta === undefined ? null : { seq: Number(meta[1]), rows, digests, balances };
}

function textOf(row: Row): string {
  return row.map(valueText).join("|");
}

/** Blobs are asked for in hexadecimal, and accounts are bytes in one of the databases. */
function valueText(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);
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
