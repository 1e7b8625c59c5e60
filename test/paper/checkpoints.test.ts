/*
 * What the PBFT papers say of garbage collection and checkpoints (OSDI'99 section 4.3), sentence by
 * sentence, in our own words.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Checkpoint } from "../../src/core/message.js";
import {
  balanceOf,
  batchOf,
  checkpointOf,
  digestOf,
  prePrepare,
  requestOf,
} from "../core/pbft/builders.js";
import { Cluster } from "../core/pbft/cluster.js";
import { LoneReplica } from "../core/pbft/lone-replica.js";

/** Runs `count` requests, one batch each. */
function execute(cluster: Cluster, count: number): void {
  for (let session = 1; session <= count; session += 1) {
    cluster.submit(requestOf({ session }));
    cluster.run();
  }
}

test("checkpoints are taken at numbers that the interval divides", () => {
  const cluster = new Cluster();
  const seqs = new Set<number>();
  cluster.carries = ({ message }) => {
    if (message.kind === "checkpoint") seqs.add(message.seq);
    return true;
  };
  execute(cluster, 13);
  assert.deepEqual([...seqs], [4, 8, 12]);
});

test("a replica that takes a checkpoint tells all others its number and digest", () => {
  const cluster = new Cluster();
  const votes: Checkpoint[] = [];
  cluster.carries = ({ from, to, message }) => {
    if (message.kind === "checkpoint" && to === (from + 1) % 4) votes.push(message);
    return true;
  };
  execute(cluster, 4);
  assert.deepEqual(votes.map(({ replica }) => replica).sort(), [0, 1, 2, 3]);
  for (const { stateDigest } of votes) assert.deepEqual(stateDigest, votes[0]?.stateDigest);
});

test("messages are kept until 2f + 1 replicas prove a checkpoint that covers them", () => {
  const cluster = new Cluster();
  cluster.carries = ({ from, message }) => message.kind !== "checkpoint" || from === 3;
  execute(cluster, 5);
  for (const { lone } of cluster.nodes) {
    assert.equal(lone.replica.stableSeq, 0);
    assert.equal(lone.replica.slotCount, 5);
  }
  cluster.carries = () => true;
  cluster.tick(20);
  for (const { lone } of cluster.nodes) {
    assert.equal(lone.replica.stableSeq, 4);
    assert.equal(lone.replica.slotCount, 1);
  }
});

test("the proof is 2f + 1 votes of different replicas with one number and one digest", () => {
  const cluster = new Cluster();
  cluster.carries = ({ message }) => message.kind !== "checkpoint";
  execute(cluster, 4);
  const { lone } = cluster.node(0);
  const wrong = digestOf(1);
  for (const replica of [1, 2]) cluster.inject(replica, 0, checkpointOf(replica, 4, wrong));
  assert.equal(lone.replica.stableSeq, 0);
  assert.equal(
    lone.replica.diverged,
    false,
    "two may be wrong in one way only if one of them lies",
  );
});

test("the low watermark is the last stable checkpoint, the high one lies a window above", () => {
  const cluster = new Cluster();
  execute(cluster, 4);
  const { lone } = cluster.node(2);
  const { windowSlots } = lone.options;
  const reject = (seq: number) => cluster.inject(0, 2, prePrepare(0, seq, batchOf()));
  assert.equal(reject(4), "pre-prepare/outside-window");
  assert.equal(reject(4 + windowSlots + 1), "pre-prepare/outside-window");
  assert.equal(reject(4 + windowSlots), null);
});

test("the window is wide enough that nobody has to wait for a checkpoint to become stable", () => {
  assert.throws(() => new LoneReplica({ checkpointIntervalSlots: 4, windowSlots: 7 }));
  const cluster = new Cluster();
  cluster.carries = ({ message }) => message.kind !== "checkpoint";
  execute(cluster, 7);
  for (const { lone } of cluster.nodes) assert.equal(lone.replica.executedSeq, 7);
});

test("a replica that missed messages now gone fetches the state (TOCS'02 5.3)", () => {
  const cluster = new Cluster();
  cluster.carries = ({ from, to }) => from !== 2 && to !== 2;
  execute(cluster, 21);
  cluster.carries = () => true;
  cluster.tick(60);
  assert.equal(balanceOf(cluster.node(2).lone.ledger), 1_021n);
  assert.deepEqual(cluster.node(2).lone.ledger.root(), cluster.node(0).lone.ledger.root());
});
