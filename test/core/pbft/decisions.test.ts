import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Batch, Decision } from "../../../src/core/message.js";
import {
  batchOf,
  commit,
  digestOf,
  entry,
  newViewOf,
  prePrepare,
  requestOf,
  sampleBatch,
  statusOf,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

const batch = sampleBatch(1);

function decisionOf(seq: number, decided: Batch): Decision {
  return { kind: "decision", seq, batch: decided };
}

/** Replica 2 that decided `batch` at 1. */
function decided(): LoneReplica {
  const lone = new LoneReplica({ self: 2 });
  lone.receive(0, prePrepare(0, 1, batch));
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
  lone.answer();
  return lone;
}

describe("a replica that was left out (RO4)", () => {
  test("asks all but the primary once W committed what it never saw, a little later", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(1, commit(0, 1, batch));
    lone.tick(2);
    lone.take();
    lone.receive(3, commit(0, 1, batch));
    lone.tick();
    assert.deepEqual(sentOf(lone.take(), "decision-query"), [], "it may still be on its way");
    lone.tick();
    const asked = ofKind(lone.take(), "send").filter(
      ({ message }) => message.kind === "decision-query",
    );
    assert.deepEqual(
      asked.map(({ to }) => to),
      [
        { kind: "replica", id: 1 },
        { kind: "replica", id: 3 },
      ],
    );
    lone.tick(5);
    assert.deepEqual(sentOf(lone.take(), "decision-query"), [], "once; statuses ask again");
  });

  test("asks again in a view that chose anew", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.tick(3);
    assert.equal(sentOf(lone.take(), "decision-query").length, 2);
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1));
    lone.receive(1, newViewOf(1, votes));
    lone.receive(1, prePrepare(1, 1, sampleBatch(2)));
    lone.answer();
    for (const replica of [0, 3]) lone.receive(replica, commit(1, 1, batch));
    assert.deepEqual(sentOf(lone.take(), "decision-query"), [], "a pre-prepare may be on its way");
    lone.tick(3);
    assert.equal(sentOf(lone.take(), "decision-query").length, 2);
  });

  test("does not ask about what was committed in a view that was left for something else", () => {
    const lone = new LoneReplica({ self: 2 });
    const other = sampleBatch(2);
    for (const replica of [0, 1]) lone.receive(replica, commit(0, 1, other));
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1));
    lone.receive(1, newViewOf(1, votes));
    lone.receive(1, prePrepare(1, 1, batch));
    lone.answer();
    lone.tick(13);
    const effects = lone.take();
    assert.deepEqual(sentOf(effects, "decision-query"), []);
    const status = sentOf(effects, "status").at(-1);
    assert(status !== undefined);
    assert.deepEqual(
      status.slots.map(({ hasBatch }) => hasBatch),
      [true],
    );
    assert.deepEqual(status.missingBatches, []);
  });

  test("does not ask about what it accepted itself, nor for one voter", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, batch));
    lone.receive(1, commit(0, 1, batch));
    lone.receive(3, commit(0, 1, batch));
    lone.receive(3, commit(0, 2, batch));
    lone.tick(6);
    assert.deepEqual(sentOf(lone.take(), "decision-query"), []);
  });

  test("asks when it was given another batch than the others", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, sampleBatch(2)));
    for (const replica of [1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.tick(3);
    assert.equal(sentOf(lone.take(), "decision-query").length, 2);
  });

  test("decides on W equal vouchers, writes the batch down, executes and answers", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(1, decisionOf(1, batch)), null);
    assert.deepEqual(lone.take(), []);
    assert.equal(lone.receive(3, decisionOf(1, batch)), null);
    const effects = lone.answer();
    assert.deepEqual(
      ofKind(effects, "append").map(({ record }) => record),
      [
        { kind: "body", seq: 1, batch },
        { kind: "committed", seq: 1, digest: batch.digest },
      ],
    );
    assert.equal(ofKind(effects, "reply").length, 1);
    assert.equal(lone.replica.executedSeq, 1);
  });

  test("is not told a lie by f replicas, however often (A15)", () => {
    const lone = new LoneReplica({ self: 2 });
    const lie = decisionOf(1, sampleBatch(66));
    assert.equal(lone.receive(3, lie), null);
    assert.equal(lone.receive(3, lie), "decision/duplicate");
    assert.equal(lone.receive(3, decisionOf(1, batch)), "decision/conflict");
    lone.receive(1, decisionOf(1, batch));
    assert.equal(lone.replica.executedSeq, 0);
    lone.receive(0, decisionOf(1, batch));
    lone.answer();
    assert.equal(lone.replica.executedSeq, 1);
  });

  test("takes no voucher outside its window or for what it decided", () => {
    const lone = decided();
    assert.equal(lone.receive(3, decisionOf(0, batch)), "decision/outside-window");
    assert.equal(lone.receive(3, decisionOf(9, batch)), "decision/outside-window");
    assert.equal(lone.receive(3, decisionOf(1, batch)), "decision/not-wanted");
  });

  test("gets its clients Q replies without a view change (A3)", () => {
    const cluster = new Cluster();
    // A faulty primary tells replica 3 nothing, and does not answer the client itself.
    cluster.carries = ({ from, to }) => !(from === 0 && to === 3);
    cluster.submit(requestOf());
    cluster.run();
    assert.equal(cluster.node(3).lone.replica.executedSeq, 0);
    cluster.tick(4);
    assert.equal(cluster.node(3).lone.replica.executedSeq, 1);
    const answers = cluster.answers.filter(({ from }) => from !== 0);
    assert.deepEqual(answers.map(({ from }) => from).sort(), [1, 2, 3]);
    assert.deepEqual(
      cluster.nodes.map(({ lone }) => lone.replica.view),
      [0, 0, 0, 0],
    );
  });

  test("catches up with nobody asking for anything any more (I14)", () => {
    const cluster = new Cluster();
    cluster.carries = ({ to }) => to !== 3;
    for (const session of [1, 2, 3]) cluster.submit(requestOf({ session }));
    cluster.run();
    cluster.carries = () => true;
    cluster.tick(40);
    assert.equal(cluster.node(3).lone.replica.executedSeq, 3);
  });
});

describe("a replica that is asked", () => {
  test("vouches for what it decided, once until the other's next status (RO4 iv)", () => {
    const lone = decided();
    const query = { kind: "decision-query", seq: 1 } as const;
    assert.equal(lone.receive(3, query), null);
    const to = { kind: "replica", id: 3 } as const;
    const message = decisionOf(1, batch);
    assert.deepEqual(lone.take(), [{ kind: "send", to, message, after: null }]);
    assert.equal(lone.receive(3, query), "decision-query/too-often");
    assert.deepEqual(lone.take(), []);
    lone.receive(3, statusOf());
    assert.deepEqual(sentOf(lone.take(), "decision"), [message]);
  });

  test("remembers who asked too early, and tells them when it knows (RO4 ii)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, batch));
    assert.equal(lone.receive(3, { kind: "decision-query", seq: 1 }), null);
    lone.take();
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    assert.equal(single(sentOf(lone.take(), "decision")).seq, 1);
  });

  test("knows nothing outside its window", () => {
    const lone = decided();
    for (const seq of [0, 9]) {
      const reject = lone.receive(3, { kind: "decision-query", seq });
      assert.equal(reject, "decision-query/unknown");
    }
  });
});

describe("a batch body", () => {
  test("that nobody asked for is dropped", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(3, { kind: "batch-body", batch }), "batch-body/not-wanted");
    assert.equal(lone.replica.slotCount, 0);
  });

  test("decides what Q committed (BA4)", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.take();
    assert.equal(lone.receive(3, { kind: "batch-body", batch }), null);
    lone.answer();
    assert.equal(lone.replica.executedSeq, 1);
    assert.equal(lone.receive(3, { kind: "batch-body", batch }), "batch-body/not-wanted");
  });

  test("is asked for by status while it is missing, and given by whoever holds it", () => {
    const lacking = new LoneReplica({ self: 2 });
    for (const replica of [1, 3]) lacking.receive(replica, commit(0, 1, batch));
    lacking.tick(5);
    const status = sentOf(lacking.take(), "status").at(-1);
    assert.deepEqual(status?.missingBatches, [batch.digest]);
    const holding = new LoneReplica({ self: 3 });
    holding.receive(0, prePrepare(0, 1, batch));
    holding.take();
    holding.receive(2, status);
    assert.deepEqual(single(sentOf(holding.take(), "batch-body")).batch, batch);
  });

  test("of a choice above the window is not taken before the window reaches it", () => {
    const lone = new LoneReplica({ self: 2 });
    const four = { seq: 4, stateDigest: digestOf(4) };
    const entries = [entry(9, batch.digest, 0)];
    const held = { stableSeq: 4, checkpoints: [four], prepared: entries, prePrepared: entries };
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1, held));
    const empty = [5, 6, 7, 8].map((seq) => ({ seq, digest: batchOf().digest }));
    const chosen = [...empty, { seq: 9, digest: batch.digest }];
    assert.equal(lone.receive(1, newViewOf(1, votes, { checkpoint: four, chosen })), null);
    assert.equal(lone.receive(3, { kind: "batch-body", batch }), "batch-body/not-wanted");
  });
});
