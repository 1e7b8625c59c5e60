import assert from "node:assert/strict";
import { test } from "node:test";
import { awaitAgreement } from "../../../src/cli/bench/agreement.js";
import type { Agreement } from "../../../src/cli/bench/agreement.js";
import { FakeCluster } from "./fake-cluster.js";

function agreementOf(cluster: FakeCluster, seqMin = 0): Promise<Agreement> {
  return awaitAgreement(cluster, seqMin, cluster.clock, new AbortController().signal);
}

test("four equal databases agree", async () => {
  const agreement = await agreementOf(new FakeCluster());
  assert.equal(agreement.identical, true);
  assert.match(agreement.explanation, /all 4 databases/);
});

test("a database that lags is waited for", async () => {
  const cluster = new FakeCluster();
  cluster.seqs.splice(0, 4, 9, 9, 7, 9);
  const { clock } = cluster;
  clock.sleepUntil = (micros) => {
    clock.micros = micros;
    if (micros > 1_000_000) cluster.seqs[2] = 9;
    return Promise.resolve();
  };
  assert.equal((await agreementOf(cluster)).identical, true);
  assert.ok(clock.micros > 1_000_000);
});

test("a database that never catches up is named after a bounded wait", async () => {
  const cluster = new FakeCluster();
  cluster.seqs.splice(0, 4, 9, 9, 7, 9);
  const agreement = await agreementOf(cluster);
  assert.equal(agreement.identical, false);
  assert.match(agreement.explanation, /the last are 9, 9, 7, 9/);
});

test("databases that agree but lack the row's last batch are not accepted", async () => {
  const cluster = new FakeCluster();
  const agreement = await agreementOf(cluster, 5);
  assert.equal(agreement.identical, false);
  assert.match(agreement.explanation, /at least 5/);
});

test("one different balance is found and named", async () => {
  const cluster = new FakeCluster();
  const row = cluster.tables[3]?.get("B");
  assert.ok(row !== undefined);
  cluster.tables[3]?.set("B", { ...row, balance: row.balance + 1n });
  const agreement = await agreementOf(cluster);
  assert.equal(agreement.identical, false);
  assert.match(agreement.explanation, /replica 0 holds .*"80000".*replica 3 holds .*"80001"/);
});

test("a different name, a missing row and an extra row are differences too", async () => {
  const renamed = new FakeCluster();
  const row = renamed.tables[1]?.get("A");
  assert.ok(row !== undefined);
  renamed.tables[1]?.set("A", { ...row, name: "Somebody Else" });
  assert.equal((await agreementOf(renamed)).identical, false);

  const shorter = new FakeCluster();
  shorter.tables[2]?.delete("C");
  assert.match((await agreementOf(shorter)).explanation, /replica 2 holds no row/);

  const longer = new FakeCluster();
  longer.tables[2]?.set("D", { ...row, customerId: 9, account: "D" });
  assert.match((await agreementOf(longer)).explanation, /replica 0 holds no row/);
});

test("where there is no database, the state roots decide", async () => {
  const cluster = new FakeCluster();
  cluster.roots.fill("c0ffee");
  assert.match((await agreementOf(cluster)).explanation, /all 4 replicas name one state root/);
  cluster.roots[1] = "decaf";
  const agreement = await agreementOf(cluster);
  assert.equal(agreement.identical, false);
  assert.match(agreement.explanation, /replica 0 holds state c0ffee, replica 1 holds state decaf/);
});
