import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import Libsql from "libsql";
import type { Seq } from "../core/base/ids.js";
import {
  type PackedAccounts,
  type PackedBalances,
  unpackAccounts,
} from "../core/ledger/packed-accounts.js";
import { nextBlockHash, startOfChain } from "./block-chain.js";
import type { Durability } from "./config-schema.js";
import { storeErrorOf } from "./sqlite-error.js";
import { MIGRATION_TABLE_SQL, pendingMigrations } from "./schema-migrations.js";
import { sqliteInsert, SqliteRows } from "./sqlite-rows.js";
import { assertGroupFollows, missingRowsError, StoreError } from "./store.js";
import type { AccountRow, BlockRow, CustomerTable, DatabaseContent, EntryRow } from "./store.js";
import type { NewState, StoredState, StoreGroup } from "./store.js";
import {
  accountOf,
  BALANCE_COLUMNS,
  balanceValues,
  BLOCK_COLUMNS,
  blockOf,
  bytesOf,
  changedValues,
  CUSTOMER_COLUMNS,
  ENTRY_COLUMNS,
  ENTRY_PIECE_ROWS,
  entryOf,
  entryPieces,
  EVICTED_COLUMNS,
  evictedOf,
  evictedValues,
  META_COLUMNS,
  PROFILE_COLUMNS,
  profileValues,
  SESSION_COLUMNS,
  sessionOf,
  sessionValues,
  type SqlRow,
  type SqlValue,
} from "./store-rows.js";

/**
 * With `fsync` a commit is done when the disk has it. With `async` a crash of the process cannot
 * undo it, though one of the machine can. `none` is for measurements only.
 */
const SYNCHRONOUS = { fsync: "FULL", async: "NORMAL", none: "OFF" } as const;

/** How long to wait for another connection's lock before giving up. */
const BUSY_TIMEOUT_MS = 2_000;

/**
 * Balances from which on it pays to write rows that may be there or not, and to count all rows
 * before and after: a row takes 0.3 µs less than an update that tells how many rows it met, and to
 * count a million takes 1 ms each time.
 */
const MANY_BALANCES_MIN = 8_192;

/** All that hold a part of the state; CUSTOMER shows the first two as one. */
const TABLES = [
  ...(["CUSTOMER_PROFILE", "CUSTOMER_BALANCE"] as const),
  ...(["ENTRY", "BLOCK", "SESSION", "SESSION_EVICTED", "META"] as const),
] as const;

interface Meta {
  readonly seq: Seq;
  readonly serviceRoot: Uint8Array;
  readonly chainHash: Uint8Array;
}

/**
 * A replica's database in one SQLite file. Synchronous, so it belongs into a thread of its own.
 * Every method throws a `StoreError` when the world is at fault.
 */
export class SqliteDatabase {
  readonly #path: string;
  readonly #database: Libsql.Database;
  readonly #statements: ReturnType<typeof prepareStatements>;
  /** What this connection last wrote or read as "last applied"; null before the first state. */
  #seq: Seq | null = null;

  /** Opens the file, creates it when it is missing, and brings its schema up to date. */
  constructor(path: string, durability: Durability) {
    this.#path = path;
    try {
      this.#database = new Libsql(path, { timeout: BUSY_TIMEOUT_MS });
      this.#database.defaultSafeIntegers(true);
      this.#database.pragma("journal_mode = WAL");
      this.#database.pragma(`synchronous = ${SYNCHRONOUS[durability]}`);
      this.#database.pragma("cache_size = -65536");
      migrate(this.#database, path);
      this.#statements = prepareStatements(this.#database);
    } catch (error) {
      throw storeErrorOf(path, error);
    }
  }

  /** The whole state; null when the database is new. */
  read(): StoredState | null {
    return this.#transaction(() => {
      const meta = selectMeta(this.#database);
      this.#seq = meta?.seq ?? null;
      if (meta === null) return null;
      const { seq, serviceRoot } = meta;
      return { seq, serviceRoot, ...selectState(this.#database) };
    });
  }

  /** Applies `group` in one transaction, unless it was applied before. */
  commit(group: StoreGroup): void {
    if (this.#seq !== null && group.seq <= this.#seq) return;
    assertGroupFollows(this.#seq, group);
    this.#transaction(() => {
      const chainHash = this.#insertBlocks(this.#presentMeta().chainHash, group.blocks);
      this.#changeBalances(group.balances);
      this.#openAccounts(group.accounts);
      this.#writeEntries(group.entries);
      this.#statements.sessions.run(group.sessions.flatMap(sessionValues));
      for (const { client, session } of group.sessionsEvicted) {
        this.#statements.deleteSession.run(client, session);
      }
      this.#statements.evicted.run(group.evictedThrough.flatMap(evictedValues));
      this.#statements.meta.run([1, group.seq, group.serviceRoot, chainHash]);
    });
    this.#seq = group.seq;
  }

  /**
   * Makes `state` the whole content, in one transaction; the chain of blocks starts anew after it.
   */
  replace(state: NewState): void {
    this.#transaction(() => {
      for (const table of TABLES) this.#database.exec(`DELETE FROM ${table}`);
      this.#openAccounts(state.accounts);
      this.#writeEntries(state.entries);
      this.#statements.sessions.run(state.sessions.flatMap(sessionValues));
      this.#statements.evicted.run(state.evictedThrough.flatMap(evictedValues));
      const chainHash = startOfChain(state.seq, state.serviceRoot);
      this.#statements.meta.run([1, state.seq, state.serviceRoot, chainHash]);
    });
    this.#seq = state.seq;
  }

  /** Leaves one file behind, the write-ahead log folded in, unless somebody is reading it. */
  close(): void {
    try {
      this.#database.pragma("wal_checkpoint(TRUNCATE)");
      this.#database.close();
    } catch (error) {
      throw storeErrorOf(this.#path, error);
    }
  }

  /** @throws StoreError when another process wrote since this one did. */
  #presentMeta(): Meta {
    const meta = selectMeta(this.#database);
    if (meta !== null && meta.seq === this.#seq) return meta;
    throw new StoreError(
      `Another process writes to the database ${this.#path}. Two replicas must not share one.`,
    );
  }

  /**
   * Changes balances of accounts that are there.
   * @throws StoreError when one is not; the transaction must then not be committed.
   */
  #changeBalances(pieces: readonly PackedBalances[]): void {
    const count = pieces.reduce((sum, { balances }) => sum + balances.length, 0);
    if (this.#changedCount(pieces, count) === count) return;
    throw missingRowsError(`The database ${this.#path}`);
  }

  /** Changes the `count` balances of `pieces`, and returns how many of them had a row. */
  #changedCount(pieces: readonly PackedBalances[], count: number): number {
    const { balances, manyBalances } = this.#statements;
    const changed = (rows: SqliteRows): number =>
      pieces.reduce((sum, piece) => sum + rows.run(changedValues(piece)), 0);
    if (count < MANY_BALANCES_MIN) return changed(balances);
    const countBefore = countOf(this.#database, "CUSTOMER_BALANCE");
    changed(manyBalances);
    return count - (countOf(this.#database, "CUSTOMER_BALANCE") - countBefore);
  }

  /** Adds accounts that are not there. */
  #openAccounts(pieces: readonly PackedAccounts[]): void {
    for (const piece of pieces) {
      const rows = unpackAccounts(piece);
      this.#statements.profiles.run(rows.flatMap(profileValues));
      this.#statements.openingBalances.run(rows.flatMap(balanceValues));
    }
  }

  #writeEntries(entries: readonly EntryRow[] | undefined): void {
    for (const piece of entryPieces(entries)) this.#statements.entries.run(piece.flat());
  }

  #insertBlocks(chainHash: Uint8Array, blocks: readonly BlockRow[]): Uint8Array {
    const now = Date.now();
    const values: SqlValue[] = [];
    let previousHash = chainHash;
    for (const block of blocks) {
      values.push(block.seq, block.view, block.digest, block.requestCount, previousHash, now);
      previousHash = nextBlockHash(previousHash, block);
    }
    this.#statements.blocks.run(values);
    return previousHash;
  }

  #transaction<T>(work: () => T): T {
    try {
      return transaction(this.#database, "IMMEDIATE", work);
    } catch (error) {
      throw storeErrorOf(this.#path, error);
    }
  }
}

/**
 * Reads the customer table of the database at `path` without writing to it, at one moment, while a
 * replica may be using it.
 * @throws StoreError when there is no such database, or no replica has set it up yet.
 */
export function readCustomerTable(path: string): CustomerTable {
  return reading(path, (database, meta) => ({
    seq: meta.seq,
    accounts: selectCustomers(database),
  }));
}

/**
 * Reads everything in the database at `path`, likewise.
 * @throws StoreError likewise.
 */
export function readSqliteContent(path: string): DatabaseContent {
  return reading(path, (database, meta) => {
    const sql = `SELECT ${BLOCK_COLUMNS} FROM BLOCK ORDER BY SEQUENCE`;
    return { ...meta, ...selectState(database), blocks: select(database, sql).map(blockOf) };
  });
}

function reading<T>(path: string, read: (database: Libsql.Database, meta: Meta) => T): T {
  try {
    const url = `${pathToFileURL(resolve(path)).href}?mode=ro`;
    const database = new Libsql(url, { timeout: BUSY_TIMEOUT_MS });
    try {
      database.defaultSafeIntegers(true);
      return transaction(database, "DEFERRED", () => read(database, metaIn(database, path)));
    } finally {
      database.close();
    }
  } catch (error) {
    throw storeErrorOf(path, error);
  }
}

function metaIn(database: Libsql.Database, path: string): Meta {
  const meta = hasTable(database, "META") ? selectMeta(database) : null;
  if (meta === null) {
    throw new StoreError(`The database ${path} is still empty: its replica has not started yet.`);
  }
  return meta;
}

function migrate(database: Libsql.Database, path: string): void {
  transaction(database, "IMMEDIATE", () => {
    database.exec(MIGRATION_TABLE_SQL);
    const [row] = select(database, "SELECT COALESCE(MAX(VERSION), 0) FROM SCHEMA_MIGRATION");
    const insert = database.prepare("INSERT INTO SCHEMA_MIGRATION VALUES (?, ?, ?)");
    const pending = pendingMigrations(`The database ${path}`, "sqlite", Number(row?.[0]));
    for (const { version, fileName, sql } of pending) {
      database.exec(sql);
      insert.run([version, fileName, Date.now()]);
    }
  });
}

function selectState(database: Libsql.Database): Omit<StoredState, "seq" | "serviceRoot"> {
  const sessions = `SELECT ${SESSION_COLUMNS} FROM SESSION ORDER BY CLIENT_ID, SESSION_ID`;
  const evicted = `SELECT ${EVICTED_COLUMNS} FROM SESSION_EVICTED ORDER BY CLIENT_ID`;
  return {
    accounts: selectCustomers(database),
    ...selectEntries(database),
    sessions: select(database, sessions).map(sessionOf),
    evictedThrough: select(database, evicted).map(evictedOf),
  };
}

/**
 * All rows of CUSTOMER. If somebody left half of one, which that view does not show, every half as
 * well: a state that no replica has, so an audit names it and a start takes it for edited.
 */
function selectCustomers(database: Libsql.Database): AccountRow[] {
  const isWhole = !hasTable(database, "CUSTOMER_BALANCE") || hasNoHalves(database);
  const source = isWhole ? `SELECT ${CUSTOMER_COLUMNS} FROM CUSTOMER` : CUSTOMER_HALVES;
  return select(database, `${source} ORDER BY CUSTOMER_ID`).map(accountOf);
}

/** A half has no ACCOUNT, which no row can do without: a balance of 0 may be the right one. */
const CUSTOMER_HALVES = `SELECT CUSTOMER_ID, IFNULL(CUSTOMER_NAME, ''),
    IFNULL(CUSTOMER_ADDRESS, ''), IFNULL(BALANCE, 0),
    IIF(BALANCE IS NULL OR ACCOUNT IS NULL, '', ACCOUNT), OWNER
  FROM CUSTOMER_PROFILE FULL JOIN CUSTOMER_BALANCE USING (CUSTOMER_ID)`;

function hasNoHalves(database: Libsql.Database): boolean {
  const whole = countOf(database, "CUSTOMER");
  return ["CUSTOMER_PROFILE", "CUSTOMER_BALANCE"].every(
    (half) => countOf(database, half) === whole,
  );
}

/** How many rows `table` has: 1 ms for a million balances. */
function countOf(database: Libsql.Database, table: string): number {
  return Number(select(database, `SELECT COUNT(*) FROM ${table}`)[0]?.[0]);
}

/** An audit may read a database of version 1, which has no such table. */
function selectEntries(database: Libsql.Database): Pick<StoredState, "entries"> {
  if (!hasTable(database, "ENTRY")) return {};
  // As a text the driver would return a key only up to its first zero byte.
  const columns = ENTRY_COLUMNS.replace("ENTRY_KEY", "CAST(ENTRY_KEY AS BLOB)");
  const statement = database
    .prepare(`SELECT ${columns} FROM ENTRY WHERE SLOT >= ? ORDER BY SLOT LIMIT ?`)
    .raw();
  const entries: EntryRow[] = [];
  for (let isEnd = false; !isEnd;) {
    const from = (entries.at(-1)?.slot ?? -1) + 1;
    const rows = statement.all(from, ENTRY_PIECE_ROWS) as SqlRow[];
    for (const row of rows) entries.push(entryOf(row));
    isEnd = rows.length < ENTRY_PIECE_ROWS;
  }
  return entries.length === 0 ? {} : { entries };
}

function hasTable(database: Libsql.Database, name: (typeof TABLES)[number]): boolean {
  const sql = `SELECT 1 FROM sqlite_master WHERE name = '${name}'`;
  return select(database, sql).length === 1;
}

function selectMeta(database: Libsql.Database): Meta | null {
  const [row] = select(database, "SELECT LAST_APPLIED, SERVICE_ROOT, CHAIN_HASH FROM META");
  if (row === undefined) return null;
  return { seq: Number(row[0]), serviceRoot: bytesOf(row[1]), chainHash: bytesOf(row[2]) };
}

function select(database: Libsql.Database, sql: string): SqlRow[] {
  return database.prepare(sql).raw().all() as SqlRow[];
}

/** Runs `work` between BEGIN and COMMIT; rolls back when it throws. */
function transaction<T>(
  database: Libsql.Database,
  mode: "IMMEDIATE" | "DEFERRED",
  work: () => T,
): T {
  database.exec(`BEGIN ${mode}`);
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // After some errors, a full disk among them, SQLite has rolled back by itself.
    if (database.inTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function prepareStatements(database: Libsql.Database) {
  return {
    profiles: sqliteInsert(database, "INSERT INTO CUSTOMER_PROFILE", PROFILE_COLUMNS),
    openingBalances: sqliteInsert(database, "INSERT INTO CUSTOMER_BALANCE", BALANCE_COLUMNS),
    // OR FAIL: what an error leaves half done is undone with the transaction. SQLite would else
    // copy every page before a statement changes it, to be able to undo that alone.
    balances: new SqliteRows(
      database,
      2,
      (rows) =>
        `UPDATE OR FAIL CUSTOMER_BALANCE SET BALANCE = CHANGE.column2
         FROM (VALUES ${rows}) AS CHANGE WHERE CUSTOMER_ID = CHANGE.column1`,
    ),
    manyBalances: sqliteInsert(
      database,
      "INSERT OR FAIL INTO CUSTOMER_BALANCE",
      BALANCE_COLUMNS,
      "ON CONFLICT (CUSTOMER_ID) DO UPDATE SET BALANCE = excluded.BALANCE",
    ),
    entries: sqliteInsert(
      database,
      "INSERT INTO ENTRY",
      ENTRY_COLUMNS,
      `ON CONFLICT (SLOT) DO UPDATE SET
         ENTRY_KEY = excluded.ENTRY_KEY, ENTRY_VALUE = excluded.ENTRY_VALUE`,
    ),
    blocks: sqliteInsert(database, "INSERT INTO BLOCK", BLOCK_COLUMNS),
    sessions: sqliteInsert(
      database,
      "INSERT INTO SESSION",
      SESSION_COLUMNS,
      `ON CONFLICT (CLIENT_ID, SESSION_ID) DO UPDATE SET
         REQUEST_TIMESTAMP = excluded.REQUEST_TIMESTAMP, SEQUENCE = excluded.SEQUENCE,
         REPLY_CODE = excluded.REPLY_CODE, RESULTS = excluded.RESULTS`,
    ),
    evicted: sqliteInsert(
      database,
      "INSERT INTO SESSION_EVICTED",
      EVICTED_COLUMNS,
      "ON CONFLICT (CLIENT_ID) DO UPDATE SET SESSION_ID = excluded.SESSION_ID",
    ),
    meta: sqliteInsert(
      database,
      "INSERT INTO META",
      META_COLUMNS,
      `ON CONFLICT (META_ID) DO UPDATE SET LAST_APPLIED = excluded.LAST_APPLIED,
         SERVICE_ROOT = excluded.SERVICE_ROOT, CHAIN_HASH = excluded.CHAIN_HASH`,
    ),
    deleteSession: database.prepare<SqlValue[]>(
      "DELETE FROM SESSION WHERE CLIENT_ID = ? AND SESSION_ID = ?",
    ),
  };
}
