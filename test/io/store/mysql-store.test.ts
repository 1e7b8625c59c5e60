import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { nextBlockHash, startOfChain } from "../../../src/io/block-chain.js";
import {
  MysqlStore,
  readMysqlContent,
  readMysqlCustomerTable,
} from "../../../src/io/mysql-store.js";
import { MIGRATION_TABLE_SQL, pendingMigrations } from "../../../src/io/schema-migrations.js";
import { StoreError } from "../../../src/io/store.js";
import { digestOf, entryOf, genesisOf, groupOf, newStateOf, rowOf } from "./fixture.js";
import { sessionOf, stateOf } from "./fixture.js";
import { addressOf, freshPrefix, TestServer, testServer } from "./mariadb.js";
import { testStoreContract } from "./store-contract.js";

const found = await testServer();
const skip = found instanceof TestServer ? false : found;

/** The server; only tests that are not skipped ask for it. */
function server(): TestServer {
  assert(found instanceof TestServer);
  return found;
}

const prefixes = new WeakMap<object, string>();

function storeOf(prefix: string): MysqlStore {
  const address = server().address(prefix);
  const store = new MysqlStore({ address, replica: 0, durability: "fsync" });
  prefixes.set(store, prefix);
  return store;
}

testStoreContract({
  name: "mysql",
  skip,
  make: () => storeOf(freshPrefix()),
  async reopen(context, store) {
    await store.close();
    const again = storeOf(prefixes.get(store) ?? "");
    context.after(() => again.close());
    return again.open();
  },
});

function saysThat(sentence: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof StoreError && sentence.test(error.message);
}

/** A test of a fresh schema `schema` = `prefix`_0 on the real server. */
function mysqlTest(
  sentence: string,
  check: (context: TestContext, prefix: string, schema: string) => Promise<void>,
): void {
  test(`mysql: ${sentence}`, { skip }, async (context) => {
    const prefix = freshPrefix();
    await check(context, prefix, `${prefix}_0`);
  });
}

/** A store of `prefix` that holds `accounts` after batch 0. */
async function openedStore(
  context: TestContext,
  prefix: string,
  accounts = [rowOf(1, "A", 1n), rowOf(2, "B", 1n)],
): Promise<MysqlStore> {
  const store = storeOf(prefix);
  context.after(() => store.close());
  await store.open();
  await store.replace(genesisOf(accounts));
  return store;
}

mysqlTest("migrations run once, in order, and are recorded", async (context, prefix, schema) => {
  await (await openedStore(context, prefix)).close();
  const again = storeOf(prefix);
  await again.open();
  await again.close();
  const recorded = await server().select(
    `SELECT VERSION, FILE_NAME FROM ${schema}.SCHEMA_MIGRATION ORDER BY VERSION`,
  );
  const known = pendingMigrations("", "mysql", 0).map(({ version, fileName }) => [
    version,
    fileName,
  ]);
  assert.deepEqual(recorded, known);
});

mysqlTest("a migration that a crash cut short goes on", async (_, prefix, schema) => {
  await server().run(
    `CREATE DATABASE ${schema}`,
    `USE ${schema}`,
    "CREATE TABLE SCHEMA_MIGRATION (VERSION INTEGER NOT NULL PRIMARY KEY, " +
      "FILE_NAME VARCHAR(64) NOT NULL, APPLIED_AT_MS BIGINT NOT NULL)",
    "INSERT INTO SCHEMA_MIGRATION VALUES (1, '001-initial.sql', 0)",
    ...(pendingMigrations("", "mysql", 0)[0]?.sql.split(/;\n/).slice(0, 2) ?? []),
  );
  const store = storeOf(prefix);
  assert.equal(await store.open(), null);
  await store.replace(genesisOf([rowOf(1, "A", 1n)]));
  await store.close();
  const sql = `SELECT COUNT(*) FROM ${schema}.SCHEMA_MIGRATION WHERE APPLIED_AT_MS = 0`;
  assert.deepEqual(await server().select(sql), [["0"]]);
});

/** What version 1 of this program left in `schema`, with `tail` after it. */
async function makeVersion1(schema: string, ...tail: readonly string[]): Promise<void> {
  const [initial] = pendingMigrations("", "mysql", 0);
  const [root, hash] = [digestOf(7), startOfChain(7, digestOf(7))].map((bytes) => {
    return `X'${Buffer.from(bytes).toString("hex")}'`;
  });
  await server().run(
    `CREATE DATABASE ${schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `USE ${schema}`,
    MIGRATION_TABLE_SQL,
    ...(initial?.sql.split(/;\n/).slice(0, -1) ?? []),
    "INSERT INTO SCHEMA_MIGRATION VALUES (1, '001-initial.sql', 1)",
    "INSERT INTO CUSTOMER VALUES (1, 'Customer 1', '1 Main St', 5, 'A', NULL)",
    `INSERT INTO META VALUES (1, 7, ${root ?? ""}, ${hash ?? ""})`,
    ...tail,
  );
}

mysqlTest(
  "a database of version 1 is read as it is, and brought forward at a start",
  async (context, prefix, schema) => {
    await makeVersion1(schema);
    const state = stateOf(7, { accounts: [rowOf(1, "A", 5n)] });
    const address = server().address(prefix);
    const chainHash = Uint8Array.from(startOfChain(7, digestOf(7)));
    assert.deepEqual(await readMysqlContent(address, 0), { ...state, chainHash, blocks: [] });
    const store = storeOf(prefix);
    context.after(() => store.close());
    assert.deepEqual(await store.open(), state);
    const recorded = await server().select(
      `SELECT VERSION, FILE_NAME FROM ${schema}.SCHEMA_MIGRATION ORDER BY VERSION LIMIT 2`,
    );
    assert.deepEqual(recorded, [
      [1, "001-initial.sql"],
      [2, "002-entry.sql"],
    ]);
    await store.commit(groupOf(8, 8, { entries: [entryOf(0, "a", 1)] }));
    assert.deepEqual((await readMysqlContent(address, 0)).entries, [entryOf(0, "a", 1)]);
  },
);

mysqlTest("a step forward that a crash cut short goes on", async (context, prefix, schema) => {
  const [entry] = pendingMigrations("", "mysql", 1);
  const begun = "INSERT INTO SCHEMA_MIGRATION VALUES (2, '002-entry.sql', 0)";
  await makeVersion1(schema, begun, ...(entry?.sql.split(/;\n/).slice(0, 1) ?? []));
  const store = storeOf(prefix);
  context.after(() => store.close());
  assert.deepEqual(await store.open(), stateOf(7, { accounts: [rowOf(1, "A", 5n)] }));
  const sql = `SELECT COUNT(*) FROM ${schema}.SCHEMA_MIGRATION WHERE APPLIED_AT_MS = 0`;
  assert.deepEqual(await server().select(sql), [["0"]]);
});

mysqlTest("an audit reads entries, and who looks for a key finds it", async (t, prefix, schema) => {
  const store = await openedStore(t, prefix, []);
  await store.replace(newStateOf(stateOf(0, { entries: [entryOf(0, "A", 1)] })));
  await store.commit(groupOf(1, 1, { entries: [entryOf(1, "a", 2), entryOf(2, "a ", 3)] }));
  const content = await readMysqlContent(server().address(prefix), 0);
  assert.deepEqual(content.entries, [entryOf(0, "A", 1), entryOf(1, "a", 2), entryOf(2, "a ", 3)]);
  assert.deepEqual([content.seq, content.accounts, content.blocks.length], [1, [], 1]);
  const sql = `SELECT SLOT FROM ${schema}.ENTRY WHERE ENTRY_KEY = 'a'`;
  assert.deepEqual(await server().select(sql), [[1]]);
});

mysqlTest("a database of a newer program is left alone", async (context, prefix, schema) => {
  await (await openedStore(context, prefix)).close();
  await server().run(`INSERT INTO ${schema}.SCHEMA_MIGRATION VALUES (99, '099-later.sql', 1)`);
  await assert.rejects(storeOf(prefix).open(), saysThat(/schema version 99/));
});

mysqlTest("a schema that holds something else is left alone", async (_, prefix, schema) => {
  await server().run(`CREATE DATABASE ${schema}`, `CREATE TABLE ${schema}.CUSTOMER (X INT)`);
  await assert.rejects(storeOf(prefix).open(), saysThat(/tables of something else/));
  await assert.rejects(storeOf(prefix).open(), saysThat(/tables of something else/), "again");
});

mysqlTest("a user without rights is told what is missing", async (_, prefix, schema) => {
  await server().run(
    `CREATE OR REPLACE USER '${prefix.slice(0, 60)}'@'localhost' IDENTIFIED BY 'right: é'`,
  );
  const url = new URL(server().url(prefix));
  url.username = prefix.slice(0, 60);
  url.password = encodeURIComponent("wrong");
  const opening = async (): Promise<void> => {
    const address = addressOf(url.href);
    const store = new MysqlStore({ address, replica: 0, durability: "fsync" });
    try {
      await store.open();
    } finally {
      await store.close();
    }
  };
  const denied = (error: unknown): boolean => {
    assert(error instanceof StoreError);
    assert.match(error.message, /refuses this user/);
    assert.doesNotMatch(error.message, /wrong/, "no sentence holds a password");
    return true;
  };
  await assert.rejects(opening(), denied);
  url.password = encodeURIComponent("right: é");
  await assert.rejects(opening(), saysThat(/may not create it.*CREATE DATABASE/));
  await server().run(
    `CREATE DATABASE ${schema}`,
    `GRANT ALL ON ${schema}.* TO '${prefix.slice(0, 60)}'@'localhost'`,
  );
  await opening();
});

mysqlTest(
  "the blocks form one chain from the state taken over",
  async (context, prefix, schema) => {
    const store = await openedStore(context, prefix);
    await store.replace({ ...genesisOf([]), seq: 7, serviceRoot: digestOf(7) });
    await store.commit(groupOf(8, 9));
    await store.commit(groupOf(10, 10));
    const blocks = await server().select(
      `SELECT SEQUENCE, DIGEST, PREVIOUS_HASH FROM ${schema}.BLOCK ORDER BY SEQUENCE`,
    );
    let hash = startOfChain(7, digestOf(7));
    for (const [index, [seq, digest, previousHash]] of blocks.entries()) {
      assert.equal(Number(seq), 8 + index);
      assert.deepEqual(previousHash, Buffer.from(hash));
      const row = { seq: Number(seq), view: 3, digest: digest as Uint8Array, requestCount: 0 };
      hash = nextBlockHash(hash, row);
    }
    const chain = await server().select(`SELECT CHAIN_HASH FROM ${schema}.META`);
    assert.deepEqual(chain, [[Buffer.from(hash)]]);
  },
);

mysqlTest("the schema itself refuses what must not be", async (context, prefix, schema) => {
  await openedStore(context, prefix, []);
  const insert = (id: number, account: string, balance: number): Promise<void> =>
    server().run(
      `INSERT INTO ${schema}.CUSTOMER (CUSTOMER_ID, CUSTOMER_NAME, CUSTOMER_ADDRESS, BALANCE, ` +
        `ACCOUNT, OWNER) VALUES (${id}, '', '', ${balance}, '${account}', NULL)`,
    );
  await insert(1, "A", 0);
  await insert(2, "a", 0);
  await insert(3, "A ", 0);
  await assert.rejects(insert(4, "B", -1), saysThat(/CONSTRAINT/));
  await assert.rejects(insert(4, "A", 1), saysThat(/Duplicate entry/));
});

mysqlTest("after an error nothing of the group is there", async (context, prefix) => {
  const store = await openedStore(context, prefix);
  const sessions = [sessionOf(0, 1, 1)];
  const [changed, opened] = [[rowOf(1, "A", 50n)], [rowOf(3, "B", 9n)]];
  const commit = store.commit(groupOf(1, 1, { changed, opened, sessions }));
  await assert.rejects(commit, saysThat(/refuses the rows/));
  const { seq, accounts: rows } = await readMysqlCustomerTable(server().address(prefix), 0);
  assert.deepEqual([seq, rows], [0, [rowOf(1, "A", 1n), rowOf(2, "B", 1n)]]);
  await store.commit(groupOf(1, 1));
});

mysqlTest("a row that somebody deleted is noticed", async (context, prefix, schema) => {
  const store = await openedStore(context, prefix);
  const same = [rowOf(1, "A", 1n), rowOf(2, "B", 1n)];
  await store.commit(groupOf(1, 1, { changed: same }));
  await server().run(`DELETE FROM ${schema}.CUSTOMER WHERE CUSTOMER_ID = 2`);
  const changed = [rowOf(1, "A", 9n), rowOf(2, "B", 9n)];
  await assert.rejects(store.commit(groupOf(2, 2, { changed })), saysThat(/lacks rows/));
  const { seq, accounts } = await readMysqlCustomerTable(server().address(prefix), 0);
  assert.deepEqual([seq, accounts], [1, [rowOf(1, "A", 1n)]]);
});

mysqlTest("a second writer is noticed before anything is overwritten", async (context, prefix) => {
  const one = await openedStore(context, prefix);
  const other = storeOf(prefix);
  context.after(() => other.close());
  await other.open();
  await one.commit(groupOf(1, 1));
  const late = other.commit(groupOf(1, 1, { serviceRoot: digestOf(9) }));
  await assert.rejects(late, saysThat(/Another process writes/));
});

mysqlTest("a table that is gone is told in a sentence", async (context, prefix, schema) => {
  const address = server().address(prefix);
  await assert.rejects(readMysqlCustomerTable(address, 0), saysThat(/still empty/));
  const store = await openedStore(context, prefix);
  await server().run(`DROP TABLE ${schema}.SESSION`);
  const commit = store.commit(groupOf(1, 1, { sessions: [sessionOf(0, 1, 1)] }));
  await assert.rejects(commit, saysThat(/somebody altered them/));
});
