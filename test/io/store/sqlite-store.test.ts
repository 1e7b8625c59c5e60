import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import Libsql from "libsql";
import { nextBlockHash, startOfChain } from "../../../src/io/block-chain.js";
import {
  readCustomerTable,
  readSqliteContent,
  SqliteDatabase,
} from "../../../src/io/sqlite-database.js";
import { storeErrorOf } from "../../../src/io/sqlite-error.js";
import { MIGRATION_TABLE_SQL, pendingMigrations } from "../../../src/io/schema-migrations.js";
import { SqliteStore } from "../../../src/io/sqlite-store.js";
import { StoreError, type StoredState } from "../../../src/io/store.js";
import { digestOf, entryOf, genesisOf, groupOf, newStateOf, rowOf } from "./fixture.js";
import { sessionOf, stateOf, temporaryFolder } from "./fixture.js";
import { testStoreContract } from "./store-contract.js";

const MAX = 2n ** 63n - 1n;

const paths = new WeakMap<object, string>();

testStoreContract({
  name: "sqlite",
  make(context) {
    const path = join(temporaryFolder(context), "ledger.db");
    const store = new SqliteStore({ path });
    paths.set(store, path);
    return store;
  },
  async reopen(context, store) {
    await store.close();
    const again = new SqliteStore({ path: paths.get(store) ?? "", durability: "async" });
    context.after(() => again.close());
    return again.open();
  },
});

function saysThat(sentence: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && sentence.test(error.message);
}

test("sqlite: closing leaves one file with everything in it", async (t) => {
  const folder = temporaryFolder(t);
  const store = new SqliteStore({ path: join(folder, "ledger.db") });
  await store.open();
  await store.replace(genesisOf([rowOf(1, "A", 5n)]));
  await store.close();
  writeFileSync(join(folder, "copy.db"), readFileSync(join(folder, "ledger.db")));
  assert.deepEqual(readCustomerTable(join(folder, "copy.db")).accounts, [rowOf(1, "A", 5n)]);
});

test("sqlite: others read a consistent customer table while the replica writes", async (t) => {
  const path = join(temporaryFolder(t), "the ledger?#%.db");
  assert.throws(() => readCustomerTable(path), saysThat(/cannot be opened/));
  const store = new SqliteStore({ path });
  t.after(() => store.close());
  await store.open();
  assert.throws(() => readCustomerTable(path), saysThat(/still empty/));
  await store.replace(genesisOf([rowOf(1, "A", 100n), rowOf(2, "B", 0n)]));
  for (let seq = 1; seq <= 20; seq += 1) {
    const moved = BigInt(seq);
    const changed = [rowOf(1, "A", 100n - moved), rowOf(2, "B", moved)];
    const commit = store.commit(groupOf(seq, seq, { changed }));
    const table = readCustomerTable(path);
    const [a, b] = table.accounts;
    assert.equal((a?.balance ?? 0n) + (b?.balance ?? 0n), 100n);
    assert.equal(b?.balance, BigInt(table.seq));
    await commit;
  }
  assert.equal(readCustomerTable(path).seq, 20);
});

/** All rows that `sql` selects, as anybody with a database tool sees them. */
function selectFrom(path: string, sql: string): unknown[][] {
  const database = new Libsql(path);
  try {
    return database.prepare(sql).raw().all() as unknown[][];
  } finally {
    database.close();
  }
}

/** Changes a database behind our back. */
function alter(path: string, sql: string): void {
  const database = new Libsql(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

test("sqlite: the blocks form one chain from the state that was taken over", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const store = new SqliteStore({ path, durability: "none" });
  await store.open();
  await store.replace({ ...genesisOf([]), seq: 7, serviceRoot: digestOf(7) });
  await store.commit(groupOf(8, 9));
  await store.commit(groupOf(10, 10));
  await store.close();
  const sql = "SELECT SEQUENCE, VIEW_NUMBER, DIGEST, REQUEST_COUNT, PREVIOUS_HASH FROM BLOCK";
  const blocks = selectFrom(path, `${sql} ORDER BY SEQUENCE`);
  assert.deepEqual(
    blocks.map(([seq]) => seq),
    [8, 9, 10],
  );
  let hash = Buffer.from(startOfChain(7, digestOf(7)));
  for (const [seq, view, digest, requestCount, previousHash] of blocks) {
    assert.deepEqual(previousHash, hash);
    assert.deepEqual([view, requestCount], [3, seq === 9 ? 1 : 0]);
    const row = { seq: Number(seq), view: 3, digest: digest as Uint8Array, requestCount: 0 };
    hash = Buffer.from(nextBlockHash(hash, row));
  }
  assert.deepEqual(selectFrom(path, "SELECT CHAIN_HASH FROM META"), [[hash]]);
});

test("sqlite: the schema itself refuses a negative balance and a second account of a name", (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  new SqliteDatabase(path, "none").close();
  const insert = (id: number, account: string, balance: number): void =>
    alter(path, `INSERT INTO CUSTOMER VALUES (${id}, '', '', ${balance}, '${account}', NULL)`);
  insert(1, "A", 0);
  insert(2, "a", 0);
  assert.throws(() => insert(3, "B", -1), /BALANCE >= 0/);
  assert.throws(() => insert(3, "A", 1), /UNIQUE/);
});

test("sqlite: migrations run once, in order, and are recorded", (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  new SqliteDatabase(path, "none").close();
  new SqliteDatabase(path, "none").close();
  const recorded = selectFrom(path, "SELECT VERSION, FILE_NAME FROM SCHEMA_MIGRATION");
  const known = pendingMigrations(path, "sqlite", 0).map(({ version, fileName }) => [
    version,
    fileName,
  ]);
  assert.deepEqual(recorded, known);
});

test("sqlite: a database of version 1 is read as it is, and brought forward", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const [initial] = pendingMigrations(path, "sqlite", 0);
  alter(path, `${MIGRATION_TABLE_SQL}; ${initial?.sql ?? ""}`);
  alter(path, "INSERT INTO SCHEMA_MIGRATION VALUES (1, '001-initial.sql', 1)");
  alter(path, "INSERT INTO CUSTOMER VALUES (1, 'Customer 1', '1 Main St', 5, 'A', NULL)");
  alter(path, "INSERT INTO SESSION VALUES (2, 20, 7, 7, 0, X'070102')");
  const [root, hash] = [digestOf(7), Uint8Array.from(startOfChain(7, digestOf(7)))];
  const blobs = [root, hash].map((bytes) => `X'${Buffer.from(bytes).toString("hex")}'`).join(", ");
  alter(path, `INSERT INTO META VALUES (1, 7, ${blobs})`);
  const state = stateOf(7, { accounts: [rowOf(1, "A", 5n)], sessions: [sessionOf(2, 20, 7)] });
  assert.deepEqual(readSqliteContent(path), { ...state, chainHash: hash, blocks: [] });
  const store = new SqliteStore({ path });
  t.after(() => store.close());
  assert.deepEqual(await store.open(), state);
  const recorded = selectFrom(path, "SELECT VERSION, FILE_NAME FROM SCHEMA_MIGRATION");
  assert.deepEqual(recorded.slice(0, 2), [
    [1, "001-initial.sql"],
    [2, "002-entry.sql"],
  ]);
  await store.commit(groupOf(8, 8, { entries: [entryOf(0, "a", 1)] }));
  assert.deepEqual(readSqliteContent(path).entries, [entryOf(0, "a", 1)]);
});

/** Makes a database of version 2 at `path`, with two customers after batch 7. */
function makeVersion2(path: string): StoredState {
  const known = pendingMigrations(path, "sqlite", 0).slice(0, 2);
  alter(path, [MIGRATION_TABLE_SQL, ...known.map(({ sql }) => sql)].join(";"));
  for (const { version, fileName } of known) {
    alter(path, `INSERT INTO SCHEMA_MIGRATION VALUES (${version}, '${fileName}', 1)`);
  }
  alter(path, "INSERT INTO CUSTOMER VALUES (3, 'Customer 3', '1 Main St', 5, 'A', NULL)");
  alter(path, `INSERT INTO CUSTOMER VALUES (4, 'Customer 4', '1 Main St', ${MAX}, 'B', 2)`);
  const blobs = [digestOf(7), startOfChain(7, digestOf(7))].map(
    (bytes) => `X'${Buffer.from(bytes).toString("hex")}'`,
  );
  alter(path, `INSERT INTO META VALUES (1, 7, ${blobs.join(", ")})`);
  const accounts = [rowOf(3, "A", 5n), { ...rowOf(4, "B", MAX), owner: 2 }];
  return stateOf(7, { accounts });
}

test("sqlite: a database of version 2 is brought forward, its CUSTOMER unchanged", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const state = makeVersion2(path);
  const columns = selectFrom(path, "SELECT name, type FROM pragma_table_info('CUSTOMER')");
  assert.deepEqual(readSqliteContent(path).accounts, state.accounts);
  const store = new SqliteStore({ path });
  t.after(() => store.close());
  assert.deepEqual(await store.open(), state);
  const shown = selectFrom(path, "SELECT name, type FROM pragma_table_info('CUSTOMER')");
  assert.deepEqual(shown, columns);
  const [changed, opened] = [[rowOf(3, "A", 6n)], [rowOf(5, "C", 1n)]];
  await store.commit(groupOf(8, 8, { changed, opened }));
  const sql = "SELECT CUSTOMER_ID, BALANCE FROM CUSTOMER ORDER BY CUSTOMER_ID";
  assert.deepEqual(selectFrom(path, sql.replace("BALANCE", "CAST(BALANCE AS TEXT)")), [
    [3, "6"],
    [4, String(MAX)],
    [5, "1"],
  ]);
});

test("sqlite: CUSTOMER takes what is done by hand: rows put in, changed and deleted", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const store = new SqliteStore({ path });
  await store.open();
  await store.replace(genesisOf([rowOf(1, "A", 1n), rowOf(2, "B", 1n)]));
  await store.close();
  alter(path, "DELETE FROM CUSTOMER WHERE ACCOUNT = 'A'");
  alter(path, "INSERT INTO CUSTOMER VALUES (7, 'Customer 7', '1 Main St', 8, 'D', 3)");
  alter(path, "UPDATE CUSTOMER SET CUSTOMER_ID = 6, BALANCE = BALANCE + 9 WHERE ACCOUNT = 'B'");
  const moved = { ...rowOf(2, "B", 10n), customerId: 6 };
  const accounts = [moved, { ...rowOf(7, "D", 8n), owner: 3 }];
  assert.deepEqual(readCustomerTable(path).accounts, accounts);
});

test("sqlite: half of a customer that somebody left is a row, so that it is noticed", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const store = new SqliteStore({ path });
  await store.open();
  await store.replace(genesisOf([rowOf(1, "A", 0n), rowOf(2, "B", 2n)]));
  await store.close();
  alter(path, "DELETE FROM CUSTOMER_BALANCE WHERE CUSTOMER_ID = 1");
  alter(path, "INSERT INTO CUSTOMER_BALANCE VALUES (9, 5)");
  const half = { ...rowOf(9, "", 5n), name: "", address: "" };
  const accounts = [{ ...rowOf(1, "A", 0n), account: "" }, rowOf(2, "B", 2n), half];
  assert.deepEqual(readSqliteContent(path).accounts, accounts);
});

test("sqlite: an audit reads entries, and who looks for a key finds it", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const store = new SqliteStore({ path });
  t.after(() => store.close());
  await store.open();
  await store.replace(newStateOf(stateOf(0, { entries: [entryOf(0, "A", 1)] })));
  await store.commit(groupOf(1, 1, { entries: [entryOf(1, "a", 2), entryOf(2, "a ", 3)] }));
  const content = readSqliteContent(path);
  assert.deepEqual(content.entries, [entryOf(0, "A", 1), entryOf(1, "a", 2), entryOf(2, "a ", 3)]);
  assert.deepEqual([content.seq, content.accounts, content.blocks.length], [1, [], 1]);
  assert.deepEqual(selectFrom(path, "SELECT SLOT FROM ENTRY WHERE ENTRY_KEY = 'a'"), [[1]]);
});

test("sqlite: what the operator did is told in a sentence", async (t) => {
  const folder = temporaryFolder(t);
  const opening = (path: string): Promise<unknown> => new SqliteStore({ path }).open();
  await assert.rejects(opening(join(folder, "none", "a.db")), saysThat(/no directory .*none/));
  mkdirSync(join(folder, "folder.db"));
  await assert.rejects(opening(join(folder, "folder.db")), saysThat(/is a directory/));
  writeFileSync(join(folder, "text.db"), "Dear diary, ".repeat(1_000));
  await assert.rejects(opening(join(folder, "text.db")), saysThat(/is not a SQLite database/));
});

test("sqlite: a database of a newer program is left alone", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  new SqliteDatabase(path, "none").close();
  alter(path, "INSERT INTO SCHEMA_MIGRATION VALUES (99, '099-later.sql', 0)");
  await assert.rejects(new SqliteStore({ path }).open(), saysThat(/schema version 99/));
});

test("sqlite: a database that another process holds is not waited for forever", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  new SqliteDatabase(path, "none").close();
  const holder = new Libsql(path);
  holder.exec("BEGIN IMMEDIATE");
  await assert.rejects(new SqliteStore({ path }).open(), saysThat(/locked by another process/));
  holder.exec("ROLLBACK");
  holder.close();
});

test("sqlite: a second writer is noticed before anything is overwritten", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const [one, other] = [new SqliteStore({ path }), new SqliteStore({ path })];
  t.after(() => Promise.all([one.close(), other.close()]));
  await one.open();
  await one.replace(genesisOf([rowOf(1, "A", 1n)]));
  await other.open();
  await one.commit(groupOf(1, 1));
  const late = other.commit(groupOf(1, 1, { changed: [rowOf(1, "A", 99n)] }));
  await assert.rejects(late, saysThat(/Another process writes/));
  assert.equal(readCustomerTable(path).accounts[0]?.balance, 1n);
});

/** Few rows are changed one way, many another. */
for (const count of [2, 10_000]) {
  const all = Array.from({ length: count }, (_, index) => rowOf(index + 1, `a${index}`, 1n));
  const changed = all.map((row) => ({ ...row, balance: row.balance + MAX / 2n }));

  test(`sqlite: ${count} balances change while accounts are opened`, async (t) => {
    const path = join(temporaryFolder(t), "ledger.db");
    const store = new SqliteStore({ path });
    t.after(() => store.close());
    await store.open();
    await store.replace(genesisOf(all));
    const opened = [rowOf(count + 7, "Z", MAX)];
    await store.commit(groupOf(1, 1, { changed, opened }));
    assert.deepEqual(readCustomerTable(path).accounts, [...changed, ...opened]);
  });

  test(`sqlite: a row that somebody deleted is noticed when ${count} change`, async (t) => {
    const path = join(temporaryFolder(t), "ledger.db");
    const store = new SqliteStore({ path });
    t.after(() => store.close());
    await store.open();
    await store.replace(genesisOf(all));
    alter(path, "DELETE FROM CUSTOMER WHERE CUSTOMER_ID = 2");
    const opened = [rowOf(count + 7, "Z", 1n)];
    const commit = store.commit(groupOf(1, 1, { changed, opened }));
    await assert.rejects(commit, saysThat(/lacks rows/));
    const left = all.filter(({ customerId }) => customerId !== 2);
    assert.deepEqual(readCustomerTable(path), { seq: 0, accounts: left });
  });
}

test("sqlite: after an error nothing of the group is there; the next may come", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const store = new SqliteStore({ path });
  t.after(() => store.close());
  await store.open();
  await store.replace(genesisOf([rowOf(1, "A", 1n), rowOf(2, "B", 1n)]));
  const [changed, opened] = [[rowOf(1, "A", 50n)], [rowOf(3, "B", 1n)]];
  await assert.rejects(store.commit(groupOf(1, 1, { changed, opened })), saysThat(/UNIQUE/));
  assert.deepEqual(readCustomerTable(path).accounts[0], rowOf(1, "A", 1n));
  await store.commit(groupOf(1, 1));
  assert.equal(readCustomerTable(path).seq, 1);
});

test("sqlite: a state that did not get in is handed over anew, no row of it twice", async (t) => {
  const path = join(temporaryFolder(t), "ledger.db");
  const store = new SqliteStore({ path });
  t.after(() => store.close());
  await store.open();
  const twins = newStateOf(stateOf(0, { accounts: [rowOf(1, "A", 1n), rowOf(2, "A", 1n)] }));
  await assert.rejects(store.replace(twins), saysThat(/UNIQUE/));
  const state = newStateOf(stateOf(0, { accounts: [rowOf(1, "A", 1n)] }));
  const pieces = [...state.accounts, ...genesisOf([rowOf(2, "B", 2n)]).accounts];
  await store.replace({ ...state, accounts: pieces, entries: [entryOf(0, "a", 1)] });
  assert.deepEqual(readCustomerTable(path).accounts, [rowOf(1, "A", 1n), rowOf(2, "B", 2n)]);
  assert.deepEqual(readSqliteContent(path).entries, [entryOf(0, "a", 1)]);
});

test("sqlite: when its thread dies, every promise is rejected, now and later", async (t) => {
  const store = new SqliteStore({ path: join(temporaryFolder(t), "ledger.db") });
  await store.open();
  const gap = store.commit(groupOf(5, 5));
  const behind = store.commit(groupOf(1, 1));
  await assert.rejects(gap, /the first state is set by replace/);
  await assert.rejects(behind, /the first state is set by replace/);
  await assert.rejects(store.commit(groupOf(1, 1)), /the first state is set by replace/);
  await store.close();
});

test("sqlite: a closed store refuses work", async (t) => {
  const store = new SqliteStore({ path: join(temporaryFolder(t), "ledger.db") });
  await store.open();
  await store.close();
  await assert.rejects(store.commit(groupOf(1, 1)), saysThat(/has ended/));
});

const CODES: readonly (readonly [code: string, sentence: RegExp])[] = [
  ["SQLITE_FULL", /disk is full/],
  ["SQLITE_BUSY_SNAPSHOT", /locked by another process/],
  ["SQLITE_READONLY_DBMOVED", /not writable/],
  ["SQLITE_CORRUPT_INDEX", /damaged/],
  ["SQLITE_IOERR_FSYNC", /disk reports an error/],
  ["SQLITE_MISMATCH", /failed: boom/],
];

for (const [code, sentence] of CODES) {
  test(`sqlite: ${code} becomes a sentence that names the file`, () => {
    const error = storeErrorOf("some/ledger.db", Object.assign(new Error("boom"), { code }));
    assert.match(error.message, sentence);
    assert.match(error.message, /^The database some\/ledger\.db /);
  });
}
