import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Domain } from "../../../src/core/base/hasher.js";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import { type JournalRecord, StatePart } from "../../../src/core/message.js";
import { isValidVote } from "../../../src/core/pbft/new-view-decision.js";
import { stateDigestOf } from "../../../src/core/pbft/state-digest.js";
import { encodeSummary } from "../../../src/core/pbft/state-transfer.js";
import {
  balanceOf,
  batchOf,
  checkpointOf,
  digestOf,
  entry,
  hasher,
  newViewOf,
  NULL_DIGEST,
  prepare,
  prePrepare,
  readOf,
  requestOf,
  sampleBatch,
  sampleLedger,
  sign,
  statusOf,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** The far checkpoint, beyond the window of a replica that has seen nothing. */
const FAR_SEQ = 12;

const certificate = [0, 1, 3].map((replica) => checkpointOf(replica, FAR_SEQ, digestOf(FAR_SEQ)));
const certified = { kind: "certified", seq: FAR_SEQ, certificate } as const;

/** Replica 2, which was shown the certificate of the far checkpoint and fetches its state. */
function farBehind(): LoneReplica {
  const lone = new LoneReplica({ self: 2 });
  for (const vote of certificate) lone.receive(vote.replica, vote);
  lone.take();
  lone.tick(10);
  return lone;
}

function recoveredWith(...records: JournalRecord[]) {
  return { records, storedSeq: 0, sessions: [], evictedThrough: [], rejoinNonce: null };
}

/** How far the replicas that run are. */
function executedBy(cluster: Cluster): number[] {
  return cluster.up.map(({ lone }) => lone.replica.executedSeq);
}

describe("a replica whose state is behind a checkpoint that a quorum holds (CK5, ST5, VC6)", () => {
  test("votes from that checkpoint on as soon as it fetches the state, once it is durable", () => {
    const lone = farBehind();
    const { id, record } = single(ofKind(lone.take(), "append"));
    assert.deepEqual(record, certified);
    assert.equal(lone.replica.stableSeq, FAR_SEQ);
    const batch = sampleBatch(1);
    assert.equal(lone.receive(0, prePrepare(0, FAR_SEQ + 1, batch)), null);
    const { after } = single(ofKind(lone.take(), "send"));
    assert(after !== null && after > id, "the journal keeps the order of appends");
  });

  test("votes for nothing that the checkpoint covers", () => {
    const lone = farBehind();
    const reject = lone.receive(0, prePrepare(0, FAR_SEQ, sampleBatch(1)));
    assert.equal(reject, "pre-prepare/outside-window");
  });

  test("does not vote for a checkpoint before it has the state (ST5, I10)", () => {
    const lone = farBehind();
    lone.take();
    assert.deepEqual(ofKind(lone.answer(), "sign"), []);
    lone.receive(3, { kind: "state-fetch", seq: FAR_SEQ, part: 0, level: 0, index: 0 });
    assert.deepEqual(ofKind(lone.take(), "sign"), [], "nor does it offer what is old");
  });

  test("names the checkpoint in its vote for a view, and tells peers where it is", () => {
    const lone = farBehind();
    lone.take();
    lone.receive(0, viewChangeOf(0, 1));
    const { message } = single(ofKind(lone.take(), "sign"));
    assert(message.kind === "view-change");
    assert.equal(message.stableSeq, FAR_SEQ);
    assert.deepEqual(message.checkpoints, [{ seq: FAR_SEQ, stateDigest: digestOf(FAR_SEQ) }]);
    lone.receive(1, statusOf());
    assert.deepEqual(sentOf(lone.take(), "checkpoint"), certificate, "it passes the proof on");
  });

  test("tells of the slots above the checkpoint, and is sent what it lacks (RT1)", () => {
    const lone = farBehind();
    lone.receive(0, prePrepare(0, FAR_SEQ + 1, sampleBatch(1)));
    lone.take();
    lone.tick(20);
    const [status] = sentOf(lone.take(), "status");
    assert.deepEqual([status?.stableSeq, status?.executedSeq], [FAR_SEQ, 0]);
    assert.deepEqual(status?.slots, [{ hasBatch: true, preparesMask: 0b100, commitsMask: 0 }]);
    lone.receive(1, status);
    assert.deepEqual(sentOf(lone.take(), "prepare"), [], "that it holds it knows");
    lone.tick(2);
    lone.receive(1, { ...status, slots: [] });
    assert.equal(sentOf(lone.take(), "prepare").length, 1);
  });

  test("goes on with a NEW-VIEW that lay beyond its window (VC7)", () => {
    const lone = new LoneReplica({ self: 2 });
    const entries = [entry(FAR_SEQ + 1, NULL_DIGEST, 0)];
    const votes = [0, 1, 3].map((replica) =>
      viewChangeOf(replica, 1, { stableSeq: FAR_SEQ, prepared: entries, prePrepared: entries }),
    );
    const checkpoint = { seq: FAR_SEQ, stateDigest: digestOf(FAR_SEQ) };
    const chosen = [{ seq: FAR_SEQ + 1, digest: NULL_DIGEST }];
    assert.equal(lone.receive(1, newViewOf(1, votes, { checkpoint, chosen })), null);
    assert.deepEqual(sentOf(lone.take(), "prepare"), []);
    for (const vote of certificate) lone.receive(vote.replica, vote);
    lone.tick(10);
    const [prepared] = sentOf(lone.take(), "prepare");
    assert.deepEqual(prepared, prepare(1, FAR_SEQ + 1, { digest: NULL_DIGEST }));
  });

  test("lets the journal forget what is below, once the certificate is durable", () => {
    const lone = farBehind();
    const { id } = single(ofKind(lone.take(), "append"));
    lone.tick();
    assert.deepEqual(ofKind(lone.take(), "discard"), []);
    lone.durable(id);
    assert.deepEqual(ofKind(lone.take(), "discard"), [{ kind: "discard", seq: FAR_SEQ }]);
  });

  test("waits with that while the log alone may still lead there", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const vote of certificate) lone.receive(vote.replica, vote);
    lone.tick(9);
    assert.equal(lone.replica.stableSeq, 0);
  });

  test("starts again where it was: behind, and voting from the same checkpoint (RS2, RO6)", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(certified));
    assert.deepEqual([lone.replica.stableSeq, lone.replica.executedSeq], [FAR_SEQ, 0]);
    assert.equal(lone.hear(0, readOf()), "read/recovering", "it may have answered before");
    assert.equal(lone.receive(0, prePrepare(0, FAR_SEQ + 1, sampleBatch(1))), null);
    lone.tick(20);
    assert.equal(sentOf(lone.take(), "state-fetch")[0]?.seq, FAR_SEQ);
  });
});

test("a NEW-VIEW outlives checkpoints, for whoever has not seen it yet (CK7, VC13)", () => {
  const cluster = new Cluster();
  cluster.carries = ({ to, from }) => to !== 3 && from !== 3;
  for (const to of [1, 2]) cluster.inject(0, to, viewChangeOf(0, 1));
  cluster.run();
  for (let session = 1; session <= 9; session += 1) {
    cluster.submit(requestOf({ session }), [1]);
    cluster.run();
  }
  assert.equal(cluster.node(1).lone.replica.stableSeq, 8);
  cluster.carries = () => true;
  cluster.tick(100);
  assert.equal(cluster.node(3).lone.replica.view, 1);
  assert.deepEqual(executedBy(cluster), [9, 9, 9, 9]);
});

describe("a cluster that was killed as a whole", () => {
  test("comes back with one replica far behind, one lost, and the others uneven (RS5)", () => {
    const cluster = new Cluster();
    cluster.carries = ({ to, from }) => to !== 3 && from !== 3;
    for (let session = 1; session <= 9; session += 1) {
      cluster.submit(requestOf({ session }));
      cluster.run();
    }
    // Batch 10 is decided at replica 2 alone.
    cluster.carries = ({ to, from, message }) =>
      to !== 3 && from !== 3 && (message.kind !== "commit" || to === 2);
    cluster.submit(requestOf({ session: 10 }));
    cluster.run();
    assert.deepEqual(executedBy(cluster), [9, 9, 10, 0]);
    for (const { id } of cluster.nodes) cluster.crash(id);
    for (const id of [1, 2, 3]) cluster.restart(id);
    cluster.carries = () => true;
    cluster.submit(requestOf({ session: 11 }), [1, 2, 3]);
    cluster.tick(400);
    for (const { lone } of cluster.up) assert.equal(balanceOf(lone.ledger), 1_011n);
    const [view] = cluster.up.map(({ lone }) => lone.replica.view);
    cluster.tick(200);
    assert.deepEqual(new Set(cluster.up.map(({ lone }) => lone.replica.view)), new Set([view]));
  });
});

test("its vote lists no more checkpoints than others take, however far it lagged (TV10)", () => {
  const lone = new LoneReplica({ self: 6, replicaCount: 7 });
  for (let seq = 1; seq <= 8; seq += 1) {
    for (const from of [1, 2, 3]) lone.receive(from, { kind: "decision", seq, batch: batchOf() });
    lone.answer();
  }
  lone.step({ kind: "stored", seq: 8 });
  lone.answer();
  for (const seq of [12, 16]) installFrom(lone, seq);
  assert.equal(lone.replica.executedSeq, 16);
  lone.take();
  for (const from of [1, 2, 3]) lone.receive(from, viewChangeOf(from, 1));
  const vote = sign(single(ofKind(lone.take(), "sign")).message);
  assert(vote.kind === "view-change");
  assert.deepEqual(
    vote.checkpoints.map(({ seq }) => seq),
    [0, 4, 8, 16],
  );
  const { windowSlots, checkpointIntervalSlots } = lone.options;
  assert(isValidVote(vote, { quorums: quorumsOf(7), windowSlots, checkpointIntervalSlots }));
});

/** Replicas 1 to 3 say that they have the sample ledger's state at `seq`, and 1 hands it over. */
function installFrom(lone: LoneReplica, seq: number): void {
  const donor = sampleLedger();
  donor.pin(1);
  const pageCount = donor.pageCount(1) ?? 0;
  const level = donor.levelCount(pageCount) - 1;
  const node = donor.treeNode(1, level, 0) ?? new Uint8Array();
  const topDigest = donor.digestOf(level, node);
  const summary = encodeSummary({ topDigest, pageCount, tableSummary: new Uint8Array() });
  const tableDigest = hasher.digest(Domain.clientTable, new Uint8Array());
  const digest = stateDigestOf(hasher, seq, donor.root(), tableDigest);
  for (const from of [1, 2, 3]) lone.receive(from, checkpointOf(from, seq, digest));
  lone.tick(11);
  lone.take();
  const piece = { kind: "state-data", seq, index: 0 } as const;
  lone.receive(1, { ...piece, part: StatePart.summary, level: 0, data: summary });
  lone.receive(1, { ...piece, part: StatePart.node, level, data: node });
  lone.answer();
}
