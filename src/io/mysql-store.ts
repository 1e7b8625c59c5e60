import type { Seq } from "../core/base/ids.js";
import { assert } from "../core/base/assert.js";
import { bytesEqual } from "../core/base/bytes.js";
import { unpackAccounts } from "../core/ledger/packed-accounts.js";
import { nextBlockHash, startOfChain } from "./block-chain.js";
import type { Durability } from "./config-schema.js";
import type { MysqlAddress } from "./mysql-address.js";
import { changeBalances, deleteRows, insertRows } from "./mysql-insert.js";
import { MysqlPool, type MysqlConnection } from "./mysql-pool.js";
import {
  checkDurability,
  hasSchema,
  migrateSchema,
  useSql,
  type MysqlPlace,
} from "./mysql-schema.js";
import { assertGroupFollows, missingRowsError, StoreError } from "./store.js";
import type { AccountRow, CustomerTable, DatabaseContent, EntryRow } from "./store.js";
import type { Store, NewState, StoredState, StoreGroup } from "./store.js";
import { accountOf, bytesOf, CUSTOMER_COLUMNS, customerValues } from "./store-rows.js";
import { BLOCK_COLUMNS, blockOf, EVICTED_COLUMNS, evictedOf, evictedValues } from "./store-rows.js";
import { ENTRY_COLUMNS, ENTRY_PIECE_ROWS, entryOf, entryPieces } from "./store-rows.js";
import { META_COLUMNS, SESSION_COLUMNS, sessionOf, sessionValues } from "./store-rows.js";
import type { SqlValue } from "./store-rows.js";

/** Where and how safely. */
interface MysqlStoreOptions {
  readonly address: MysqlAddress;
  /** Several replicas may share a server: each has a schema of its own. */
  readonly replica: number;
  readonly durability: Durability;
}

/** What META says; its row is locked by every transaction that writes. */
interface Meta {
  readonly seq: Seq;
  readonly serviceRoot: Uint8Array;
  readonly chainHash: Uint8Array;
}

const TABLES = ["CUSTOMER", "ENTRY", "BLOCK", "SESSION", "SESSION_EVICTED", "META"] as const;

/** The name and place of the schema of replica `id`. */
export function mysqlPlaceOf(address: MysqlAddress, id: number): MysqlPlace {
  const { prefix, host, port, socketPath } = address;
  const schema = `${prefix}_${id.toString()}`;
  const server = socketPath ?? `${host}:${port.toString()}`;
  return { schema, name: `The database ${schema} at ${server}` };
}

/**
 * The store in a MySQL or MariaDB server: one schema for each replica. Every transaction locks the
 * row of META first, so one whose connection was lost has ended, either way, before the next one
 * reads how far the database is.
 */
export class MysqlStore implements Store {
  readonly name = "mysql";
  readonly #place: MysqlPlace;
  readonly #durability: Durability;
  readonly #pool: MysqlPool;
  /** What this process last wrote or read there; null before the first state. */
  #meta: Meta | null = null;

  constructor({ address, replica, durability }: MysqlStoreOptions) {
    this.#place = mysqlPlaceOf(address, replica);
    this.#durability = durability;
    this.#pool = new MysqlPool(this.#place.name, address);
  }

  async open(): Promise<StoredState | null> {
    await this.#pool.use(async (connection) => {
      await migrateSchema(connection, this.#place);
      await checkDurability(connection, this.#place, this.#durability);
    });
    this.#pool.beginWith(useSql(this.#place.schema));
    return this.#pool.transaction(async (connection) => {
      this.#meta = await selectMeta(connection, "FOR UPDATE");
      if (this.#meta === null) return null;
      const { seq, serviceRoot } = this.#meta;
      return { seq, serviceRoot, ...(await selectState(connection)) };
    });
  }

  async commit(group: StoreGroup): Promise<void> {
    const before = this.#meta;
    if (before !== null && group.seq <= before.seq) return;
    assertGroupFollows(before?.seq ?? null, group);
    assert(before !== null, "a group follows a state");
    const blocks: SqlValue[][] = [];
    let { chainHash } = before;
    const now = Date.now();
    for (const block of group.blocks) {
      const { seq, view, digest, requestCount } = block;
      blocks.push([seq, view, digest, requestCount, chainHash, now]);
      chainHash = nextBlockHash(chainHash, block);
    }
    const after: Meta = { seq: group.seq, serviceRoot: group.serviceRoot, chainHash };
    await this.#pool.transaction(async (connection) => {
      const present = await selectMeta(connection, "FOR UPDATE");
      // An earlier attempt lost its connection while it committed, and did commit.
      if (isSame(present, after)) return;
      if (!isSame(present, before)) throw this.#foreignWriter();
      await insertRows(connection, "BLOCK", BLOCK_COLUMNS, blocks);
      const haveAll = await changeBalances(connection, group.balances);
      if (!haveAll) throw missingRowsError(this.#place.name);
      await writeState(connection, { ...group, accounts: group.accounts.flatMap(unpackAccounts) });
      const forgotten = group.sessionsEvicted.map(evictedValues);
      await deleteRows(connection, "SESSION", EVICTED_COLUMNS, forgotten);
      await writeMeta(connection, after);
    });
    this.#meta = after;
  }

  async replace(state: NewState): Promise<void> {
    const { seq, serviceRoot } = state;
    const meta = { seq, serviceRoot, chainHash: startOfChain(seq, serviceRoot) };
    await this.#pool.transaction(async (connection) => {
      await selectMeta(connection, "FOR UPDATE");
      for (const table of TABLES) await connection.change(`DELETE FROM ${table}`, []);
      await writeState(connection, { ...state, accounts: state.accounts.flatMap(unpackAccounts) });
      await writeMeta(connection, meta);
    });
    this.#meta = meta;
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  #foreignWriter(): StoreError {
    return new StoreError(
      `Another process writes to ${this.#place.name.replace(/^The/, "the")}. Two replicas must ` +
        "not share one.",
    );
  }
}

async function selectMeta(
  connection: MysqlConnection,
  locking: "FOR UPDATE" | "",
): Promise<Meta | null> {
  const sql = `SELECT LAST_APPLIED, SERVICE_ROOT, CHAIN_HASH FROM META ${locking}`;
  const [row] = await connection.select(sql);
  if (row === undefined) return null;
  return { seq: Number(row[0]), serviceRoot: bytesOf(row[1]), chainHash: bytesOf(row[2]) };
}

function isSame(present: Meta | null, expected: Meta): boolean {
  return (
    present !== null &&
    present.seq === expected.seq &&
    bytesEqual(present.serviceRoot, expected.serviceRoot) &&
    bytesEqual(present.chainHash, expected.chainHash)
  );
}

type Rows = Omit<StoredState, "seq" | "serviceRoot">;

async function selectState(connection: MysqlConnection): Promise<Rows> {
  const accounts = await selectCustomers(connection);
  const entries = await selectEntries(connection);
  const sessions = await connection.select(
    `SELECT ${SESSION_COLUMNS} FROM SESSION ORDER BY CLIENT_ID, SESSION_ID`,
  );
  const evicted = await connection.select(
    `SELECT ${EVICTED_COLUMNS} FROM SESSION_EVICTED ORDER BY CLIENT_ID`,
  );
  return {
    accounts,
    ...(entries.length === 0 ? {} : { entries }),
    sessions: sessions.map(sessionOf),
    evictedThrough: evicted.map(evictedOf),
  };
}

async function selectCustomers(connection: MysqlConnection): Promise<AccountRow[]> {
  const sql = `SELECT ${CUSTOMER_COLUMNS} FROM CUSTOMER ORDER BY CUSTOMER_ID`;
  return (await connection.select(sql)).map(accountOf);
}

/** An audit may read a schema of version 1, which has no such table. */
async function selectEntries(connection: MysqlConnection): Promise<readonly EntryRow[]> {
  const entries: EntryRow[] = [];
  if (!(await hasTable(connection, "ENTRY"))) return entries;
  const sql =
    `SELECT ${ENTRY_COLUMNS} FROM ENTRY WHERE SLOT >= ? ` +
    `ORDER BY SLOT LIMIT ${ENTRY_PIECE_ROWS.toString()}`;
  for (let isEnd = false; !isEnd;) {
    const from = (entries.at(-1)?.slot ?? -1) + 1;
    const rows = await connection.select(sql, [from]);
    for (const row of rows) entries.push(entryOf(row));
    isEnd = rows.length < ENTRY_PIECE_ROWS;
  }
  return entries;
}

async function hasTable(
  connection: MysqlConnection,
  name: (typeof TABLES)[number],
): Promise<boolean> {
  return (await connection.select(`SHOW TABLES LIKE '${name}'`)).length === 1;
}

const ENTRY_UPDATE =
  "ON DUPLICATE KEY UPDATE " + "ENTRY_KEY = VALUES(ENTRY_KEY), ENTRY_VALUE = VALUES(ENTRY_VALUE)";

const SESSION_UPDATE =
  "ON DUPLICATE KEY UPDATE REQUEST_TIMESTAMP = VALUES(REQUEST_TIMESTAMP), " +
  "SEQUENCE = VALUES(SEQUENCE), REPLY_CODE = VALUES(REPLY_CODE), RESULTS = VALUES(RESULTS)";

const EVICTED_UPDATE = "ON DUPLICATE KEY UPDATE SESSION_ID = VALUES(SESSION_ID)";

const META_UPDATE =
  "ON DUPLICATE KEY UPDATE LAST_APPLIED = VALUES(LAST_APPLIED), " +
  "SERVICE_ROOT = VALUES(SERVICE_ROOT), CHAIN_HASH = VALUES(CHAIN_HASH)";

async function writeState(connection: MysqlConnection, rows: Rows): Promise<void> {
  const customers = rows.accounts.map(customerValues);
  await insertRows(connection, "CUSTOMER", CUSTOMER_COLUMNS, customers);
  for (const piece of entryPieces(rows.entries)) {
    await insertRows(connection, "ENTRY", ENTRY_COLUMNS, piece, ENTRY_UPDATE);
  }
  const sessions = rows.sessions.map(sessionValues);
  await insertRows(connection, "SESSION", SESSION_COLUMNS, sessions, SESSION_UPDATE);
  const evicted = rows.evictedThrough.map(evictedValues);
  await insertRows(connection, "SESSION_EVICTED", EVICTED_COLUMNS, evicted, EVICTED_UPDATE);
}

async function writeMeta(connection: MysqlConnection, meta: Meta): Promise<void> {
  const { seq, serviceRoot, chainHash } = meta;
  const row = [1, seq, serviceRoot, chainHash];
  await insertRows(connection, "META", META_COLUMNS, [row], META_UPDATE);
}

/**
 * Reads the customer table of replica `id` at one moment, while the replica may be using it.
 * @throws StoreError when there is no such schema, or no replica has set it up yet.
 */
export function readMysqlCustomerTable(address: MysqlAddress, id: number): Promise<CustomerTable> {
  return reading(address, id, async (connection, meta) => ({
    seq: meta.seq,
    accounts: await selectCustomers(connection),
  }));
}

/**
 * Reads everything in the schema of replica `id`, likewise.
 * @throws StoreError likewise.
 */
export function readMysqlContent(address: MysqlAddress, id: number): Promise<DatabaseContent> {
  return reading(address, id, async (connection, meta) => {
    const sql = `SELECT ${BLOCK_COLUMNS} FROM BLOCK ORDER BY SEQUENCE`;
    const blocks = (await connection.select(sql)).map(blockOf);
    return { ...meta, ...(await selectState(connection)), blocks };
  });
}

async function reading<T>(
  address: MysqlAddress,
  id: number,
  read: (connection: MysqlConnection, meta: Meta) => Promise<T>,
): Promise<T> {
  const place = mysqlPlaceOf(address, id);
  const pool = new MysqlPool(place.name, address);
  try {
    return await pool.transaction(async (connection) => {
      const isThere = await hasSchema(connection, place.schema);
      if (isThere) await connection.run(useSql(place.schema));
      const isSetUp = isThere && (await hasTable(connection, "META"));
      const meta = isSetUp ? await selectMeta(connection, "") : null;
      if (meta === null) {
        throw new StoreError(`${place.name} is still empty: its replica has not started yet.`);
      }
      return read(connection, meta);
    });
  } finally {
    await pool.close();
  }
}
