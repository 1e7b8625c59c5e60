import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { test, type TestContext } from "node:test";
import Libsql from "libsql";
import { CommandInput } from "../../src/cli/command.js";
import { verifyCommand } from "../../src/cli/verify/verify-command.js";
import { ClusterHasher } from "../../src/core/crypto/prefix.js";
import { INDEX_KEY_BYTES } from "../../src/core/ledger/byte-index.js";
import { Ledger } from "../../src/core/ledger/ledger.js";
import type { PackedAccounts } from "../../src/core/ledger/packed-accounts.js";
import { accountsFromRows } from "../../src/core/ledger/rebuild.js";
import { createCluster, DEMO_ACCOUNTS } from "../../src/io/cluster-create.js";
import {
  replicaDatabasePath,
  replicaDirectory,
  writeCluster,
} from "../../src/io/cluster-directory.js";
import { SqliteStore } from "../../src/io/sqlite-store.js";
import type { AccountRow } from "../../src/io/store.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { temporaryDirectory } from "./temporary-directory.js";

const { provider } = await loadCrypto(process.env);

/** A cluster whose four databases hold `batchCounts` batches each; batch n is a deposit of n. */
async function databases(t: TestContext, batchCounts: readonly number[]): Promise<string> {
  const dir = temporaryDirectory(t);
  const options = { replicaCount: 4, clientCount: 1, hosts: ["127.0.0.1"], port: 7_000 };
  const storage = { store: "sqlite", durability: "none" } as const;
  const cluster = createCluster({ ...options, ...storage, accounts: DEMO_ACCOUNTS }, provider);
  writeCluster(dir, cluster);
  const hasher = new ClusterHasher(provider, cluster.genesis.clusterId);
  const rootOf = (accounts: readonly AccountRow[]): Uint8Array =>
    new Ledger({ hasher, clients: ["teller"], accounts }).root();
  for (const [id, batchCount] of batchCounts.entries()) {
    mkdirSync(replicaDirectory(dir, id));
    const store = new SqliteStore({ path: replicaDatabasePath(dir, id), durability: "none" });
    await store.open();
    const empty = { sessions: [], evictedThrough: [] };
    const genesisRoot = rootOf(DEMO_ACCOUNTS);
    const accounts = [packed(...DEMO_ACCOUNTS)];
    await store.replace({ seq: 0, serviceRoot: genesisRoot, accounts, ...empty });
    const [initial, ...others] = DEMO_ACCOUNTS;
    let first = initial;
    for (let seq = 1; seq <= batchCount; seq += 1) {
      assert(first !== undefined);
      first = { ...first, balance: first.balance + BigInt(seq) };
      const digest = new Uint8Array(32).fill(seq);
      const customerIds = Uint32Array.of(first.customerId);
      const balances = [{ customerIds, balances: BigInt64Array.of(first.balance) }];
      await store.commit({
        ...{ seq, serviceRoot: rootOf([first, ...others]), accounts: [], balances, ...empty },
        blocks: [{ seq, view: id, digest, requestCount: 1 }],
        sessionsEvicted: [],
      });
    }
    await store.close();
  }
  return dir;
}

function packed(...rows: AccountRow[]): PackedAccounts {
  return accountsFromRows(rows, new Uint8Array(INDEX_KEY_BYTES)).packRange(0, rows.length);
}

/** Changes the database of replica `id` by hand. */
function edit(dir: string, id: number, sql: string): void {
  const database = new Libsql(replicaDatabasePath(dir, id));
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

/** What `verify` says, and what it exits with. */
async function verify(dir: string, isJson = false): Promise<{ status: number; text: string }> {
  const lines: string[] = [];
  const output = { result: (line: string) => lines.push(line), note: () => undefined };
  const status = await verifyCommand.run(new CommandInput([dir], { json: isJson }), output);
  return { status, text: lines.join("\n") };
}

test("verify: finds nothing wrong where nothing is", async (t) => {
  const { status, text } = await verify(await databases(t, [3, 3, 3, 3]));
  assert.equal(status, 0, text);
  assert.match(text, /replica 2: batches 1 to 3, 3 requests, 3 accounts, 1300\.06 in all: sound/);
  assert.match(text, /Nothing is wrong\.\nProved .*Not\nproved/s);
});

test("verify: says which row differs if somebody edits a balance by hand", async (t) => {
  const dir = await databases(t, [3, 3, 3, 3]);
  edit(dir, 2, "UPDATE CUSTOMER SET BALANCE = 99900 WHERE ACCOUNT = 'B'");
  const { status, text } = await verify(dir);
  assert.equal(status, 1);
  assert.match(text, /replica 2: .* NOT SOUND\n {2}the rows of CUSTOMER have state root/);
  assert.match(
    text,
    /^replica 2: CUSTOMER, CUSTOMER_ID 4: BALANCE is 999\.00; most others hold 800\.00$/m,
  );
  assert.match(text, /after batch 3 the sums of money differ: .*replica 2 1499\.06/);
});

test("verify: tells of rows that are missing, added or of no ledger, and of names", async (t) => {
  const dir = await databases(t, [1, 1, 1, 1]);
  edit(dir, 0, "DELETE FROM CUSTOMER WHERE CUSTOMER_ID = 5");
  edit(dir, 1, "UPDATE CUSTOMER SET CUSTOMER_NAME = 'Mallory' WHERE CUSTOMER_ID = 3");
  edit(dir, 3, "UPDATE CUSTOMER SET ACCOUNT = '' WHERE CUSTOMER_ID = 3");
  const { status, text } = await verify(dir);
  assert.equal(status, 1);
  assert.match(text, /^replica 0: CUSTOMER, CUSTOMER_ID 5: holds no row; most others hold a row$/m);
  assert.match(text, /^replica 1: CUSTOMER, CUSTOMER_ID 3: CUSTOMER_NAME is "Mallory"; most/m);
  assert.match(text, /^ {2}the rows of CUSTOMER can't be a ledger's/m);
});

test("verify: tells of blocks that were edited, dropped or swapped", async (t) => {
  const dir = await databases(t, [4, 4, 4, 4]);
  edit(dir, 0, "DELETE FROM BLOCK WHERE SEQUENCE = 2");
  edit(dir, 1, "UPDATE BLOCK SET DIGEST = zeroblob(32) WHERE SEQUENCE = 4");
  edit(dir, 2, "DELETE FROM BLOCK WHERE SEQUENCE = 4");
  edit(dir, 3, "UPDATE BLOCK SET DIGEST = zeroblob(32) WHERE SEQUENCE = 1");
  const { status, text } = await verify(dir);
  assert.equal(status, 1);
  assert.match(text, /BLOCK has no row for batch 2; the next one is 3/);
  assert.match(text, /META\.CHAIN_HASH is .*: the last block or META was edited/);
  assert.match(text, /BLOCK ends at batch 3, META\.LAST_APPLIED says 4/);
  assert.match(text, /BLOCK, batch 2: PREVIOUS_HASH is/);
  assert.match(text, /^replica 3: BLOCK, SEQUENCE 1: DIGEST is 0+; most others hold 0101/m);
});

test("verify: compares what is level, and says what is not", async (t) => {
  const dir = await databases(t, [2, 5, 5, 2]);
  const sound = await verify(dir);
  assert.equal(sound.status, 0, sound.text);
  assert.match(sound.text, /not equally far \(2 after batch 2, 2 after batch 5\)/);
  edit(dir, 0, "UPDATE CUSTOMER SET BALANCE = 0 WHERE ACCOUNT = 'C'");
  const { status, text } = await verify(dir);
  assert.equal(status, 1);
  assert.match(
    text,
    /^replica 0: CUSTOMER, CUSTOMER_ID 5: BALANCE is 0\.00; no value has a majority$/m,
  );
});

test("verify: money that came from nowhere is told where nothing was executed", async (t) => {
  const dir = await databases(t, [0, 0]);
  edit(dir, 1, "UPDATE CUSTOMER SET BALANCE = BALANCE + 1 WHERE CUSTOMER_ID = 3");
  const { text } = await verify(dir);
  assert.match(text, /replica 1: 1300\.01 in all, though nothing was executed since the genesis/);
  assert.match(text, /No database here of replica 2, 3\./);
});

test("verify --json: one object a replica, and one for them all", async (t) => {
  const dir = await databases(t, [2, 2, 2, 2]);
  edit(dir, 1, "UPDATE CUSTOMER SET BALANCE = 1 WHERE CUSTOMER_ID = 3");
  const { status, text } = await verify(dir, true);
  assert.equal(status, 1);
  const objects = text.split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(objects.length, 5);
  assert.deepEqual(objects[0], {
    ...{ replica: 0, lastApplied: 2, blocks: 2, chainStartSeq: 0, requests: 2 },
    ...{ money: "1300.03", findings: [] },
  });
  const [first] = objects[4]?.["differences"] as unknown[];
  assert.deepEqual(first, {
    ...{ table: "CUSTOMER", row: "CUSTOMER_ID 3", column: "BALANCE" },
    ...{ replica: 1, found: "0.01", majority: "100.03" },
  });
  assert.equal(objects[4]?.["isSound"], false);
});

test("verify: a directory that leads to no database is told", async (t) => {
  await assert.rejects(verify(await databases(t, [])), /leads to no database/);
});
