import assert from "node:assert/strict";
import { test } from "node:test";
import { Partitions } from "../../../src/cli/bench/partitions.js";
import { FakeCluster } from "./fake-cluster.js";

const GET = { kind: "get", account: "A" } as const;

function partitionsOf(cluster: FakeCluster, count: number, iterations: number): Partitions {
  const { signal } = new AbortController();
  return new Partitions(cluster, count, iterations, cluster.clock, signal);
}

/** What was done before which operation, as "3: cut-off 0". */
async function drive(cluster: FakeCluster, count: number, iterations: number): Promise<string[]> {
  const partitions = partitionsOf(cluster, count, iterations);
  const done: string[] = [];
  for (let index = 0; index < iterations; index += 1) {
    await partitions.starting(index);
    done.push(...cluster.faults.splice(0).map((fault) => `${index}: ${fault}`));
    if (cluster.cutOff.has(0)) cluster.view = 1;
  }
  await partitions.end();
  assert.deepEqual(cluster.faults, [], "nothing was left to heal");
  return done;
}

test("one partition takes the primary away for the second third of the operations", async () => {
  const done = await drive(new FakeCluster(), 1, 5_000);
  assert.deepEqual(done, ["1666: cut-off 0", "3333: connect 0"]);
});

test("of two partitions the second falls on a backup that was not away before", async () => {
  const done = await drive(new FakeCluster(), 2, 10_000);
  const expected = ["2000: cut-off 0", "4000: connect 0", "6000: cut-off 2", "8000: connect 2"];
  assert.deepEqual(done, expected);
});

test("the shortest row has an operation between any two steps", async () => {
  const done = await drive(new FakeCluster(), 3, 7);
  assert.deepEqual(
    done.map((text) => text.replace(/ \d$/, "")),
    ["1: cut-off", "2: connect", "3: cut-off", "4: connect", "5: cut-off", "6: connect"],
  );
});

test("lanes that arrive while a step is under way wait for it", async () => {
  const cluster = new FakeCluster();
  const partitions = partitionsOf(cluster, 1, 3);
  await partitions.starting(0);
  const seen: string[] = [];
  const lane = async (index: number): Promise<void> => {
    await partitions.starting(index);
    seen.push(`${index} after ${cluster.faults.at(-1) ?? "nothing"}`);
  };
  await Promise.all([lane(1), lane(1), lane(2)]);
  assert.deepEqual(seen, ["1 after cut-off 0", "1 after cut-off 0", "2 after connect 0"]);
});

test("a row that breaks off leaves nobody cut off", async () => {
  const cluster = new FakeCluster();
  const partitions = partitionsOf(cluster, 1, 30);
  await partitions.starting(10);
  assert.deepEqual([...cluster.cutOff], [0]);
  await partitions.end();
  assert.deepEqual([...cluster.cutOff], []);
});

test("a healed replica has caught up when it holds what clients were answered", async () => {
  const cluster = new FakeCluster();
  const partitions = partitionsOf(cluster, 1, 30);
  await partitions.starting(10);
  const session = await cluster.connect();
  await session.run({ kind: "deposit", account: "A", amount: 1n }, { timeoutMs: 1 });
  partitions.finished(await session.run(GET, { timeoutMs: 1 }));
  const inject = cluster.inject.bind(cluster);
  cluster.inject = async (fault, replica) => {
    await inject(fault, replica);
    cluster.seqs[0] = 0;
  };
  const { clock } = cluster;
  const begunMicros = clock.micros;
  clock.sleepUntil = (micros) => {
    clock.micros = micros;
    if (micros - begunMicros > 300_000) cluster.seqs[0] = 1;
    return Promise.resolve();
  };
  await partitions.starting(20);
  const [report] = await partitions.reports();
  assert.ok(report !== undefined && report.catchUpMs !== null);
  assert.ok(report.catchUpMs >= 300 && report.catchUpMs < 400, report.catchUpMs.toString());
  assert.deepEqual([report.replica, report.wasPrimary, report.view], [0, true, 0]);
});

test("a fault that is refused ends the row with the reason", async () => {
  const cluster = new FakeCluster();
  cluster.inject = () => Promise.reject(new Error("refused"));
  const partitions = partitionsOf(cluster, 1, 3);
  await assert.rejects(partitions.starting(1), /refused/);
  await partitions.end();
});
