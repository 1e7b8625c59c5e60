/*
 * What must be durable before it is said (protocol rules, section 2.12), row by row.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JournalRecord, ReplicaMessage } from "../../../src/core/message.js";
import type { Effect } from "../../../src/core/pbft/effect.js";
import {
  batchOf,
  checkpointOf,
  commit,
  newViewOf,
  NULL_DIGEST,
  prepare,
  prePrepare,
  requestOf,
  sampleBatch,
  statusOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, single } from "./lone-replica.js";

const batch = sampleBatch(1);

/** The record that the only message of `kind` among `effects` waits for; null if for none. */
function awaitedBy(effects: readonly Effect[], kind: string): JournalRecord | null {
  const said = [...ofKind(effects, "send"), ...ofKind(effects, "reply")];
  const { after } = single(said.filter(({ message }) => message.kind === kind));
  const append = ofKind(effects, "append").find(({ id }) => id === after);
  return append?.record ?? null;
}

/** Replica 2 and all its effects so far. */
function prepared(): { lone: LoneReplica; effects: Effect[] } {
  const lone = new LoneReplica({ self: 2 });
  lone.receive(0, prePrepare(0, 1, batch));
  lone.receive(3, prepare(0, 1, batch));
  return { lone, effects: lone.take() };
}

test("PRE-PREPARE waits for the primary's own Q-entry and the body", () => {
  const lone = new LoneReplica({ self: 0 });
  lone.hear(TELLER, batch.requests[0] ?? assert.fail());
  const record = { kind: "pre-prepared", view: 0, seq: 1, batch };
  assert.deepEqual(awaitedBy(lone.take(), "pre-prepare"), record);
});

test("PREPARE waits for the Q-entry and the body", () => {
  const record = { kind: "pre-prepared", view: 0, seq: 1, batch };
  assert.deepEqual(awaitedBy(prepared().effects, "prepare"), record);
});

test("COMMIT waits for the P-entry", () => {
  const record = { kind: "prepared", view: 0, seq: 1, digest: batch.digest };
  assert.deepEqual(awaitedBy(prepared().effects, "commit"), record);
});

test("our own COMMIT counts here once others may hear of it: the P-entry is durable", () => {
  const { lone } = prepared();
  for (const replica of [0, 3]) lone.receive(replica, commit(0, 1, batch));
  assert.deepEqual(ofKind(lone.take(), "execute"), []);
  lone.durable(2);
  assert.equal(ofKind(lone.take(), "execute").length, 1);
});

test("a reply waits for the P-entry of its batch", () => {
  const { lone, effects } = prepared();
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
  effects.push(...lone.answer());
  const record = { kind: "prepared", view: 0, seq: 1, digest: batch.digest };
  assert.deepEqual(awaitedBy(effects, "reply"), record);
});

test("a reply of a replica that never prepared waits for the decision", () => {
  const lone = new LoneReplica({ self: 2 });
  for (const replica of [1, 3]) lone.receive(replica, { kind: "decision", seq: 1, batch });
  const record = { kind: "committed", seq: 1, digest: batch.digest };
  assert.deepEqual(awaitedBy(lone.answer(), "reply"), record);
});

test("a reply that is sent again waits for no less than the first", () => {
  const { lone } = prepared();
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
  lone.answer();
  lone.hear(TELLER, requestOf());
  assert.equal(single(ofKind(lone.take(), "reply")).after, 2);
});

test("VIEW-CHANGE waits for its own record, which follows everything that it says", () => {
  const { lone, effects } = prepared();
  lone.receive(0, viewChangeOf(0, 1));
  effects.push(...lone.answer());
  const record = awaitedBy(effects, "view-change");
  assert.equal(record?.kind, "view-change");
  const kinds = ofKind(effects, "append").map((append) => append.record.kind);
  assert.deepEqual(kinds, ["pre-prepared", "prepared", "view-change"]);
});

test("NEW-VIEW waits for its own record, and an order in the view for the Q-entry after", () => {
  const lone = new LoneReplica({ self: 1 });
  for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 1));
  const effects = lone.answer();
  lone.hear(TELLER, requestOf());
  effects.push(...lone.take());
  assert.equal(awaitedBy(effects, "new-view")?.kind, "new-view");
  assert.equal(awaitedBy(effects, "pre-prepare")?.kind, "pre-prepared");
  const kinds = ofKind(effects, "append").map((append) => append.record.kind);
  assert.deepEqual(kinds, ["view-change", "new-view", "pre-prepared"]);
});

test("PREPARE in a new view waits for its Q-entry there, after the NEW-VIEW's record", () => {
  const lone = new LoneReplica({ self: 2 });
  const votes = [0, 1, 3].map((replica) =>
    viewChangeOf(replica, 1, {
      prepared: [{ seq: 1, digest: NULL_DIGEST, view: 0 }],
      prePrepared: [{ seq: 1, digest: NULL_DIGEST, view: 0 }],
    }),
  );
  lone.receive(1, newViewOf(1, votes, { chosen: [{ seq: 1, digest: NULL_DIGEST }] }));
  const effects = lone.take();
  const record = { kind: "pre-prepared", view: 1, seq: 1, batch: batchOf() };
  assert.deepEqual(awaitedBy(effects, "prepare"), record);
  const kinds = ofKind(effects, "append").map((append) => append.record.kind);
  assert.deepEqual(kinds, ["new-view", "pre-prepared"]);
});

test("CHECKPOINT waits for the store, truncation for the record of the certificate", () => {
  const lone = new LoneReplica({ self: 2 });
  for (let seq = 1; seq <= 4; seq += 1) {
    lone.receive(0, prePrepare(0, seq, batchOf()));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batchOf()));
  }
  assert.deepEqual(ofKind(lone.answer(), "sign"), []);
  lone.step({ kind: "stored", seq: 4 });
  const { message } = single(ofKind(lone.take(), "sign"));
  assert(message.kind === "checkpoint");
  for (const replica of [0, 1, 3]) {
    lone.receive(replica, checkpointOf(replica, 4, message.stateDigest));
  }
  const effects = lone.take();
  const stable = ofKind(effects, "append").find(({ record }) => record.kind === "stable");
  assert(stable !== undefined);
  assert.deepEqual(ofKind(effects, "discard"), []);
  lone.durable(stable.id);
  assert.deepEqual(ofKind(lone.take(), "discard"), [{ kind: "discard", seq: 4 }]);
});

test("what a status is answered with waits like the first time", () => {
  const { lone } = prepared();
  const slots = [{ hasBatch: true, preparesMask: 0, commitsMask: 0 }];
  lone.receive(3, statusOf({ slots }));
  const after = ofKind(lone.take(), "send").map((send) => [send.message.kind, send.after]);
  assert.deepEqual(after, [
    ["prepare", 1],
    ["commit", 2],
  ]);
});

test("a replica killed before its disk answered has said nothing that it forgot (I5)", () => {
  const cluster = new Cluster();
  const promises: ReplicaMessage["kind"][] = ["prepare", "commit", "view-change", "new-view"];
  const said: string[] = [];
  cluster.carries = ({ from, message }) => {
    if (from === 2 && promises.includes(message.kind)) said.push(message.kind);
    return true;
  };
  cluster.node(2).syncs = false;
  for (let session = 1; session <= 3; session += 1) cluster.submit(requestOf({ session }));
  cluster.run();
  assert.deepEqual(said, []);
  assert.deepEqual(
    cluster.answers.filter(({ from }) => from === 2),
    [],
  );
  cluster.crash(2);
  cluster.restart(2);
  assert.equal(cluster.node(2).lone.replica.executedSeq, 0);
  cluster.node(2).syncs = true;
  cluster.tick(20);
  assert.equal(cluster.node(2).lone.replica.executedSeq, 3);
});
