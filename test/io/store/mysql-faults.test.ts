import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { MysqlPool } from "../../../src/io/mysql-pool.js";
import { MysqlStore, readMysqlCustomerTable } from "../../../src/io/mysql-store.js";
import { PatientStore } from "../../../src/io/patient-store.js";
import { StoreError } from "../../../src/io/store.js";
import { CuttingProxy } from "./cutting-proxy.js";
import { digestOf, genesisOf, groupOf, rowOf, sessionOf } from "./fixture.js";
import { freshPrefix, TestServer, testServer } from "./mariadb.js";

/*
 * What a database server does to those who rely on it: F12 of the fault matrix. Group seq moves 1
 * from A to B, so that the rows tell how often each group was applied.
 */

const MONEY = 1_000n;

const found = await testServer();
const skip = found instanceof TestServer ? false : found;
const isOurs = found instanceof TestServer && found.own !== null;
const skipForeign = isOurs ? false : "the server is not ours to stop";

function server(): TestServer {
  assert(found instanceof TestServer);
  return found;
}

/** A store behind a proxy, with the troubles that it told. */
async function troubledStore(context: TestContext) {
  const target = server().address(freshPrefix());
  const proxy = await CuttingProxy.open(target);
  const told: (string | null)[] = [];
  const store = new PatientStore({
    make: () => new MysqlStore({ address: proxy.address, replica: 0, durability: "fsync" }),
    onTrouble: (problem) => told.push(problem),
  });
  context.after(async () => {
    await store.close();
    await proxy.close();
  });
  await store.open();
  await store.replace(genesisOf([rowOf(1, "A", MONEY), rowOf(2, "B", 0n)]));
  const commit = (seq: number): Promise<void> => {
    const changed = [rowOf(1, "A", MONEY - BigInt(seq)), rowOf(2, "B", BigInt(seq))];
    return store.commit(groupOf(seq, seq, { changed, sessions: [sessionOf(0, 1, seq)] }));
  };
  /** Checks that the groups up to `seq` are in the database, each once, and nothing else. */
  const check = async (seq: number): Promise<void> => {
    const schema = `${target.prefix}_0`;
    const table = await readMysqlCustomerTable(target, 0);
    const balances = table.accounts.map(({ balance }) => balance);
    assert.deepEqual([table.seq, balances], [seq, [MONEY - BigInt(seq), BigInt(seq)]]);
    const blocks = await server().select(`SELECT SEQUENCE FROM ${schema}.BLOCK ORDER BY SEQUENCE`);
    const expected = Array.from({ length: seq }, (_, index) => index + 1);
    assert.deepEqual(
      blocks.map(([each]) => Number(each)),
      expected,
    );
  };
  return { target, proxy, store, told, commit, check };
}

test("mysql: F12: a connection lost before COMMIT: the group is applied", { skip }, async (t) => {
  const { proxy, told, commit, check } = await troubledStore(t);
  await commit(1);
  proxy.cutNextCommit("before");
  await commit(2);
  await commit(3);
  assert.equal(proxy.cutCount, 1);
  assert.deepEqual(
    told.map((problem) => problem === null),
    [false, true],
  );
  await check(3);
});

test(
  "mysql: F12: a connection lost after COMMIT: the group is applied once",
  { skip },
  async (t) => {
    const { proxy, commit, check } = await troubledStore(t);
    await commit(1);
    proxy.cutNextCommit("after");
    await commit(2);
    await commit(3);
    assert.equal(proxy.cutCount, 1);
    await check(3);
  },
);

test("mysql: connections lost at every second COMMIT, either way", { skip }, async (t) => {
  const { proxy, commit, check } = await troubledStore(t);
  for (let seq = 1; seq <= 12; seq += 1) {
    if (seq % 2 === 0) proxy.cutNextCommit(seq % 4 === 0 ? "before" : "after");
    await commit(seq);
  }
  assert.equal(proxy.cutCount, 6);
  await check(12);
});

test("mysql: a replacement whose connection is lost is whole", { skip }, async (t) => {
  const { proxy, target, store } = await troubledStore(t);
  proxy.cutNextCommit("after");
  const accounts = [rowOf(7, "G", 5n)];
  await store.replace({ ...genesisOf(accounts), seq: 40, serviceRoot: digestOf(40) });
  await store.commit(groupOf(41, 41));
  assert.deepEqual(await readMysqlCustomerTable(target, 0), { seq: 41, accounts });
});

test("mysql: a deadlock with somebody else's transaction is tried again", { skip }, async (t) => {
  const { target, commit, check } = await troubledStore(t);
  await commit(1);
  const other = new MysqlPool("The other connection", target);
  t.after(() => other.close());
  await other.use(async (connection) => {
    const schema = `${target.prefix}_0`;
    await connection.run("START TRANSACTION");
    // Heavier than ours, so ours is the one that the server ends.
    await connection.run(`UPDATE ${schema}.CUSTOMER SET CUSTOMER_NAME = 'changed'`);
    const many = Array.from({ length: 50 }, (_, id) => `(${id}, ${id})`).join(", ");
    await connection.run(`INSERT INTO ${schema}.SESSION_EVICTED VALUES ${many}`);
    const ours = commit(2);
    await waitForLock(schema);
    // Ours holds META and waits for CUSTOMER.
    await connection.select(`SELECT * FROM ${schema}.META FOR UPDATE`);
    await connection.run("ROLLBACK");
    await ours;
  });
  await check(2);
});

/** The server shows the same INNODB_TRX until nobody has read it for 100 ms. */
const TRANSACTIONS_POLL_MS = 150;

/** Waits until some transaction waits for a lock. */
async function waitForLock(schema: string): Promise<void> {
  const sql =
    "SELECT 1 FROM information_schema.INNODB_TRX JOIN information_schema.PROCESSLIST " +
    `ON ID = TRX_MYSQL_THREAD_ID WHERE TRX_STATE = 'LOCK WAIT' AND DB = '${schema}'`;
  while ((await server().select(sql)).length === 0) await setTimeout(TRANSACTIONS_POLL_MS);
}

test("mysql: a row too large for the server's packets is told", { skip }, async (t) => {
  const { target, store } = await troubledStore(t);
  const results = new Uint8Array(60_000);
  const sessions = Array.from({ length: 40 }, (_, id) => ({ ...sessionOf(1, id + 1, 1), results }));
  const [before] = await server().select("SELECT @@GLOBAL.max_allowed_packet");
  await server().run("SET GLOBAL max_allowed_packet = 131072");
  t.after(() => server().run(`SET GLOBAL max_allowed_packet = ${String(before?.[0])}`));
  const small = new MysqlStore({ address: target, replica: 0, durability: "fsync" });
  t.after(() => small.close());
  await small.open();
  await small.commit(groupOf(1, 1, { sessions }));
  await server().run("SET GLOBAL max_allowed_packet = 32768");
  const smaller = new MysqlStore({ address: target, replica: 0, durability: "fsync" });
  t.after(() => smaller.close());
  await smaller.open();
  const tooLarge = (error: unknown): boolean =>
    error instanceof StoreError && error.message.includes("max_allowed_packet");
  await assert.rejects(smaller.commit(groupOf(2, 2, { sessions })), tooLarge);
  await store.close();
});

test("mysql: a server that acknowledges too early is refused", { skip: skipForeign }, async (t) => {
  const { target } = await troubledStore(t);
  await server().run("SET GLOBAL innodb_flush_log_at_trx_commit = 2");
  t.after(() => server().run("SET GLOBAL innodb_flush_log_at_trx_commit = 1"));
  const careful = new MysqlStore({ address: target, replica: 0, durability: "fsync" });
  t.after(() => careful.close());
  await assert.rejects(careful.open(), /would forget in a power cut/);
  const careless = new MysqlStore({ address: target, replica: 0, durability: "async" });
  t.after(() => careless.close());
  await careless.open();
});

test("mysql: F12: a server killed under load loses no group", { skip: skipForeign }, async (t) => {
  const { store, told, commit, check } = await troubledStore(t);
  const own = server().own;
  assert(own !== null);
  let seq = 0;
  let isOver = false;
  const load = (async () => {
    for (; !isOver; seq += 1) await commit(seq + 1);
  })();
  await own.signal("SIGKILL");
  while (store.health.state !== "retrying") await new Promise(setImmediate);
  assert.match(store.health.problem ?? "", /out of reach/);
  await own.start();
  isOver = true;
  await load;
  assert(told.length >= 2 && told.at(-1) === null, "it was told, and that it is over");
  await check(seq);
});

test("mysql: a server that hangs does not hold up a stop", { skip: skipForeign }, async (t) => {
  const { proxy, store, commit } = await troubledStore(t);
  await commit(1);
  proxy.hang(true);
  const hanging = assert.rejects(commit(2), StoreError);
  await store.close();
  await hanging;
});
