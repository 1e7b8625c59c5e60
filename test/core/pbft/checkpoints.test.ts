import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import { CheckpointBook } from "../../../src/core/pbft/checkpoint-book.js";
import { type Batch } from "../../../src/core/message.js";
import {
  batchOf,
  checkpointOf,
  commit,
  digestOf,
  prePrepare,
  requestOf,
  sampleBatch,
  statusOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

function decide(lone: LoneReplica, seq: number, batch: Batch): void {
  lone.receive(0, prePrepare(0, seq, batch));
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
}

/** Replica 2 after `count` batches, null ones but the first; its store holds nothing of them. */
function executed(count: number): LoneReplica {
  const lone = new LoneReplica({ self: 2 });
  for (let seq = 1; seq <= count; seq += 1) {
    decide(lone, seq, seq === 1 ? sampleBatch(1) : batchOf());
    lone.answer();
  }
  return lone;
}

/** The state digest that `lone` signs for checkpoint `seq` once its store holds it. */
function signedBy(lone: LoneReplica, seq: number): Uint8Array {
  lone.step({ kind: "stored", seq });
  const messages = ofKind(lone.take(), "sign").map(({ message }) => message);
  const message = messages.findLast(({ kind }) => kind === "checkpoint");
  assert(message?.kind === "checkpoint");
  assert.equal(message.seq, seq);
  return message.stateDigest;
}

describe("a replica's own checkpoint", () => {
  test("is voted for once the store holds its state, not before (CK2, 2.12)", () => {
    const lone = executed(5);
    lone.step({ kind: "stored", seq: 3 });
    assert.deepEqual(lone.take(), []);
    lone.step({ kind: "stored", seq: 5 });
    const sign = single(ofKind(lone.take(), "sign"));
    assert(sign.message.kind === "checkpoint");
    assert.deepEqual([sign.message.replica, sign.message.seq], [2, 4]);
    const vote = checkpointOf(2, 4, sign.message.stateDigest);
    lone.step({ kind: "signed", message: vote });
    const to = { kind: "others" } as const;
    assert.deepEqual(lone.take(), [{ kind: "send", to, message: vote, after: null }]);
  });

  test("waits for the root of its state, which nothing else waits for (CK1)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.tellsRoots = false;
    for (let seq = 1; seq <= 6; seq += 1) {
      decide(lone, seq, sampleBatch(seq));
      lone.answer();
    }
    assert.equal(lone.replica.executedSeq, 6);
    lone.step({ kind: "stored", seq: 3 });
    assert.deepEqual(lone.take(), []);
    lone.tellRoot(4);
    assert.deepEqual(lone.take(), [], "nor is it stored yet");
    const other = new LoneReplica({ self: 2 });
    for (let seq = 1; seq <= 4; seq += 1) decide(other, seq, sampleBatch(seq));
    other.answer();
    assert.deepEqual(signedBy(lone, 4), signedBy(other, 4), "that of its batch, not of later ones");
  });

  test("is stored, and another begun, only once its root was told: else that is our bug", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.tellsRoots = false;
    for (let seq = 1; seq <= 8; seq += 1) decide(lone, seq, batchOf());
    assert.throws(() => lone.answer(), InvariantError);
    const early = new LoneReplica({ self: 2 });
    early.tellsRoots = false;
    for (let seq = 1; seq <= 4; seq += 1) decide(early, seq, batchOf());
    early.answer();
    assert.throws(() => early.step({ kind: "stored", seq: 4 }), InvariantError);
  });

  test("is none if its state was found to be wrong before its root was told (CK4)", () => {
    const lone = executed(4);
    lone.step({ kind: "stored", seq: 4 });
    lone.tellsRoots = false;
    for (let seq = 5; seq <= 8; seq += 1) decide(lone, seq, batchOf());
    lone.answer();
    for (const replica of [0, 1, 3]) lone.receive(replica, checkpointOf(replica, 4, digestOf(9)));
    assert.equal(lone.replica.diverged, true);
    lone.take();
    lone.tellRoot(8);
    lone.step({ kind: "stored", seq: 8 });
    const signed = ofKind(lone.take(), "sign").map(({ message }) => message.kind);
    assert.ok(!signed.includes("checkpoint"));
  });

  test("is voted for once, however often the store reports", () => {
    const lone = executed(5);
    lone.step({ kind: "stored", seq: 4 });
    assert.equal(ofKind(lone.take(), "sign").length, 1);
    for (const seq of [4, 3, 5]) lone.step({ kind: "stored", seq });
    assert.deepEqual(ofKind(lone.take(), "sign"), []);
  });

  test("has the digest of the state, table of clients included (CK1)", () => {
    assert.deepEqual(signedBy(executed(4), 4), signedBy(executed(5), 4), "later batches or not");
    const other = new LoneReplica({ self: 2 });
    // The same money, by another session.
    decide(other, 1, sampleBatch(2));
    for (let seq = 2; seq <= 4; seq += 1) decide(other, seq, batchOf());
    other.answer();
    assert.notDeepEqual(signedBy(other, 4), signedBy(executed(4), 4));
  });
});

describe("a vote for a checkpoint", () => {
  test("between two intervals is none, but for a replica that lags (ST1)", () => {
    const vote = checkpointOf(3, 5, digestOf(1));
    assert.equal(executed(5).receive(3, vote), "checkpoint/not-a-checkpoint");
    assert.equal(new LoneReplica().receive(3, vote), null);
  });

  test("at or below the stable one comes too late", () => {
    const lone = new LoneReplica();
    assert.equal(lone.receive(3, checkpointOf(3, 0, digestOf(1))), "checkpoint/outside-window");
  });

  test("of one replica counts once; the first stands (AU6)", () => {
    const lone = new LoneReplica();
    assert.equal(lone.receive(3, checkpointOf(3, 4, digestOf(1))), null);
    assert.equal(lone.receive(3, checkpointOf(3, 4, digestOf(1))), "checkpoint/duplicate");
    assert.equal(lone.receive(3, checkpointOf(3, 4, digestOf(2))), "checkpoint/conflict");
  });

  test("counts for its signer, whoever passes it on (AU5)", () => {
    const lone = new LoneReplica();
    assert.equal(lone.receive(0, checkpointOf(3, 4, digestOf(1))), null);
    assert.equal(lone.receive(3, checkpointOf(3, 4, digestOf(1))), "checkpoint/duplicate");
  });
});

describe("a stable checkpoint", () => {
  /** Replica 2 with checkpoint 4 taken, stored and voted for. */
  function voted(): { lone: LoneReplica; digest: Uint8Array } {
    const lone = executed(4);
    const digest = signedBy(lone, 4);
    lone.step({ kind: "signed", message: checkpointOf(2, 4, digest) });
    lone.take();
    return { lone, digest };
  }

  test("takes Q equal votes, and is written down before anything is dropped (CK3, 2.12)", () => {
    const { lone, digest } = voted();
    const votes = [0, 3].map((replica) => checkpointOf(replica, 4, digest));
    lone.receive(1, checkpointOf(1, 4, digestOf(9)));
    for (const vote of votes) lone.receive(vote.replica, vote);
    const certificate = [votes[0], checkpointOf(2, 4, digest), votes[1]];
    const append = single(ofKind(lone.take(), "append"));
    assert.deepEqual(append.record, { kind: "stable", seq: 4, certificate });
    assert.equal(lone.replica.stableSeq, 4);
    assert.equal(lone.replica.slotCount, 0, "slots below are gone");
    lone.durable(append.id - 1);
    assert.deepEqual(lone.take(), []);
    lone.durable(append.id);
    assert.deepEqual(lone.take(), [{ kind: "discard", seq: 4 }]);
  });

  test("needs no more than Q, and not fewer", () => {
    const { lone, digest } = voted();
    lone.receive(0, checkpointOf(0, 4, digest));
    assert.equal(lone.replica.stableSeq, 0);
    lone.receive(3, checkpointOf(3, 4, digest));
    assert.equal(lone.replica.stableSeq, 4);
  });

  test("waits for our own execution and store, however many others vote (CK3)", () => {
    const digest = signedBy(executed(4), 4);
    const lone = executed(3);
    for (const replica of [0, 1, 3]) lone.receive(replica, checkpointOf(replica, 4, digest));
    assert.equal(lone.replica.stableSeq, 0);
    decide(lone, 4, batchOf());
    lone.answer();
    assert.equal(lone.replica.stableSeq, 0, "executed, but not stored");
    lone.step({ kind: "stored", seq: 4 });
    assert.equal(lone.replica.stableSeq, 4);
  });

  test("that was reached counts though a later one is certain already (RB4)", () => {
    const digest = signedBy(executed(4), 4);
    const lone = executed(5);
    lone.step({ kind: "stored", seq: 5 });
    for (const replica of [0, 1, 3]) lone.receive(replica, checkpointOf(replica, 8, digestOf(8)));
    for (const replica of [0, 1, 3]) lone.receive(replica, checkpointOf(replica, 4, digest));
    assert.equal(lone.replica.stableSeq, 4);
  });

  test("moves the window", () => {
    const { lone, digest } = voted();
    assert.equal(lone.receive(0, prePrepare(0, 9, batchOf())), "pre-prepare/outside-window");
    for (const replica of [0, 3]) lone.receive(replica, checkpointOf(replica, 4, digest));
    assert.equal(lone.receive(0, prePrepare(0, 12, batchOf())), null);
    assert.equal(lone.receive(0, prePrepare(0, 13, batchOf())), "pre-prepare/outside-window");
    assert.equal(lone.receive(0, prePrepare(0, 4, batchOf())), "pre-prepare/outside-window");
  });

  test("is proven to a replica that lags behind it (RT2)", () => {
    const { lone, digest } = voted();
    for (const replica of [0, 3]) lone.receive(replica, checkpointOf(replica, 4, digest));
    lone.take();
    lone.receive(1, statusOf());
    const votes = sentOf(lone.take(), "checkpoint");
    assert.deepEqual(
      votes.map(({ replica, seq }) => [replica, seq]),
      [
        [0, 4],
        [2, 4],
        [3, 4],
      ],
    );
  });

  test("with another state than ours shows that we diverged: we vote no more (CK4)", () => {
    const { lone } = voted();
    for (const replica of [0, 1, 3]) lone.receive(replica, checkpointOf(replica, 4, digestOf(9)));
    assert(lone.replica.diverged);
    assert(lone.replica.transferring, "the right state is fetched at once");
    lone.take();
    assert.equal(lone.receive(0, prePrepare(0, 5, batchOf())), "pre-prepare/not-voting");
    assert.equal(lone.replica.stableSeq, 0);
  });
});

test("a checkpoint is split once so many disagree that no quorum can vouch for it (CK3)", () => {
  const book = new CheckpointBook(4);
  const vote = (replica: number, seq: number, mark: number): void => {
    book.add(checkpointOf(replica, seq, digestOf(mark)));
  };
  vote(0, 4, 1);
  vote(1, 4, 2);
  assert.equal(book.splitSeq, null, "one of two is wrong, and one may be");
  vote(0, 8, 1);
  vote(1, 8, 2);
  vote(2, 8, 3);
  assert.equal(book.splitSeq, 8, "two of three are wrong");
  vote(2, 4, 2);
  assert.equal(book.splitSeq, 8);
  vote(3, 4, 1);
  assert.equal(book.splitSeq, 4, "two against two");
  book.stabilize({ seq: 8, stateDigest: digestOf(1), votes: [] });
  assert.equal(book.splitSeq, null);
});

test("far-away votes of a liar take no room and move nothing (A13, RB3)", () => {
  const cluster = new Cluster();
  for (let seq = 4; seq <= 40_000; seq += 4) {
    cluster.inject(3, 1, checkpointOf(3, seq, digestOf(seq % 1_000)));
  }
  for (let session = 1; session <= 4; session += 1) cluster.submit(requestOf({ session }));
  cluster.run();
  assert.equal(cluster.node(1).lone.replica.stableSeq, 4);
  assert.equal(cluster.node(1).lone.replica.transferring, false);
});
