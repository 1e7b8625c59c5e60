import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  checkpointOf,
  commit,
  digestOf,
  prepare,
  prePrepare,
  newViewOf,
  requestOf,
  sampleBatch,
  statusOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

const batch = sampleBatch(1);
const TO_3 = { kind: "replica", id: 3 } as const;

describe("a replica's own status", () => {
  test("tells what it holds of every number above what it executed (RT1)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, batch));
    lone.receive(3, prepare(0, 1, batch));
    lone.receive(1, prepare(0, 3, batch));
    lone.receive(0, commit(0, 3, batch));
    lone.take();
    lone.tick(lone.options.stalledStatusTicks);
    const slots = [
      { hasBatch: true, preparesMask: 0b1100, commitsMask: 0 },
      { hasBatch: false, preparesMask: 0, commitsMask: 0 },
      { hasBatch: false, preparesMask: 0b0010, commitsMask: 0b0001 },
    ];
    assert.deepEqual(single(sentOf(lone.take(), "status")), statusOf({ slots }));
  });

  test("asks for the batch where it was given another than W committed (RO4)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, sampleBatch(2)));
    lone.receive(1, commit(0, 1, batch));
    lone.receive(3, commit(0, 1, batch));
    lone.take();
    lone.tick(lone.options.stalledStatusTicks);
    const { slots } = single(sentOf(lone.take(), "status"));
    assert.deepEqual(slots, [{ hasBatch: false, preparesMask: 0b0100, commitsMask: 0b1010 }]);
  });

  test("comes often while something is unfinished, and now and then otherwise (CK6)", () => {
    const count = (lone: LoneReplica): number => {
      lone.tick(48);
      return sentOf(lone.take(), "status").length;
    };
    assert.equal(count(new LoneReplica({ self: 2, viewChangeTicks: 60 })), 4);
    const busy = new LoneReplica({ self: 2, viewChangeTicks: 60 });
    busy.hear(TELLER, requestOf());
    assert.equal(count(busy), 16);
  });

  test("says which votes for the next view it holds while that is under way", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 1));
    lone.answer();
    lone.tick(6);
    const status = sentOf(lone.take(), "status").at(-1);
    assert.deepEqual([status?.view, status?.active], [1, false]);
    assert.equal(status?.viewChangesMask, 0b1101);
  });

  test("says whose votes for the next checkpoint it holds", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [0, 3]) lone.receive(replica, checkpointOf(replica, 4, digestOf(4)));
    lone.tick(12);
    assert.equal(sentOf(lone.take(), "status").at(-1)?.checkpointsMask, 0b1001);
  });
});

describe("the answer to a status", () => {
  /** Replica 2, prepared for `batch` at 1, everything taken. */
  function prepared(self = 2): LoneReplica {
    const lone = new LoneReplica({ self });
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [1, 2, 3].filter((id) => id !== self)) {
      lone.receive(replica, prepare(0, 1, batch));
    }
    lone.take();
    return lone;
  }

  test("is our own votes that the other lacks, each behind what it promises (RT2, 2.12)", () => {
    const lone = prepared();
    const slots = [{ hasBatch: true, preparesMask: 0, commitsMask: 0 }];
    assert.equal(lone.receive(3, statusOf({ slots })), null);
    assert.deepEqual(lone.take(), [
      { kind: "send", to: TO_3, message: prepare(0, 1, batch), after: 1 },
      { kind: "send", to: TO_3, message: commit(0, 1, batch), after: 2 },
    ]);
  });

  test("leaves out what the other holds", () => {
    const lone = prepared();
    const slots = [{ hasBatch: true, preparesMask: 0b0100, commitsMask: 0b0100 }];
    lone.receive(3, statusOf({ slots }));
    assert.deepEqual(lone.take(), []);
  });

  test("is the pre-prepare if we are the primary and the other lacks it", () => {
    const lone = new LoneReplica({ self: 0 });
    lone.hear(TELLER, requestOf());
    const order = single(sentOf(lone.take(), "pre-prepare"));
    lone.receive(3, statusOf());
    assert.deepEqual(sentOf(lone.take(), "pre-prepare"), [order]);
    lone.tick(2);
    lone.take();
    const slots = [{ hasBatch: true, preparesMask: 0, commitsMask: 0 }];
    lone.receive(3, statusOf({ slots }));
    assert.deepEqual(sentOf(lone.take(), "pre-prepare"), []);
  });

  test("is the decision itself if the other has not even the batch", () => {
    const lone = prepared();
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.answer();
    lone.receive(3, statusOf());
    assert.deepEqual(single(sentOf(lone.take(), "decision")), { kind: "decision", seq: 1, batch });
  });

  test("is the primary's order too, decided or not: W must vouch (RT2, I14)", () => {
    const primary = new LoneReplica({ self: 0 });
    primary.hear(TELLER, requestOf());
    primary.answer();
    primary.durable(primary.options.windowSlots);
    for (const replica of [1, 2, 3]) primary.receive(replica, commit(0, 1, batch));
    primary.answer();
    assert.equal(primary.replica.executedSeq, 1);
    primary.receive(3, statusOf());
    const kinds = ofKind(primary.take(), "send").map(({ message }) => message.kind);
    assert.deepEqual(kinds, ["pre-prepare", "decision"]);
  });

  test("is the decision for whoever is in another view (VC9)", () => {
    const lone = prepared();
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.answer();
    const slots = [{ hasBatch: true, preparesMask: 0, commitsMask: 0 }];
    lone.receive(3, statusOf({ view: 4, active: false, slots }));
    const kinds = ofKind(lone.take(), "send").map(({ message }) => message.kind);
    assert.deepEqual(kinds, ["decision"]);
  });

  test("is our votes for all later checkpoints that the other may lack", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const seq of [4, 8]) {
      lone.step({ kind: "signed", message: checkpointOf(2, seq, digestOf(seq)) });
    }
    lone.take();
    lone.receive(3, statusOf());
    const seqs = sentOf(lone.take(), "checkpoint").map(({ seq }) => seq);
    assert.deepEqual(seqs, [4, 8]);
    lone.tick(2);
    lone.take();
    lone.receive(3, statusOf({ checkpointsMask: 0b0100 }));
    assert.deepEqual(
      sentOf(lone.take(), "checkpoint").map(({ seq }) => seq),
      [8],
    );
  });

  test("is given to one replica at most every other tick (RT4)", () => {
    const lone = prepared();
    assert.equal(lone.receive(3, statusOf()), null);
    assert.equal(lone.receive(3, statusOf()), "status/too-often");
    assert.equal(lone.receive(1, statusOf()), null, "each replica for itself");
    lone.tick();
    assert.equal(lone.receive(3, statusOf()), "status/too-often");
    lone.tick();
    assert.equal(lone.receive(3, statusOf()), null);
  });

  test("repeats a NEW-VIEW for one replica only after a while (RT4)", () => {
    const lone = new LoneReplica({ self: 2 });
    const newView = newViewOf(
      1,
      [0, 1, 3].map((replica) => viewChangeOf(replica, 1)),
    );
    lone.receive(1, newView);
    lone.answer();
    const sentTo = (replica: number): number => {
      lone.receive(replica, statusOf());
      return sentOf(lone.take(), "new-view").length;
    };
    assert.equal(sentTo(3), 1);
    lone.tick(9);
    assert.equal(sentTo(3), 0);
    assert.equal(sentTo(0), 1, "each replica for itself");
    lone.tick(2);
    assert.equal(sentTo(3), 1);
  });

  test("holds a bounded number of bytes, however far the other lags (RT4)", () => {
    const lone = new LoneReplica({ self: 2, windowSlots: 64, checkpointIntervalSlots: 32 });
    for (let seq = 1; seq <= 30; seq += 1) {
      const { requests, digest } = sampleBatch(seq);
      const bytes = new Uint8Array(100_000);
      const one = { requests: requests.map((request) => ({ ...request, bytes })), digest };
      lone.receive(0, prePrepare(0, seq, one));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, one));
    }
    lone.answer();
    lone.receive(3, statusOf());
    const seqs = sentOf(lone.take(), "decision").map(({ seq }) => seq);
    assert.deepEqual(seqs, [1, 2, 3, 4, 5, 6], "512 KiB, and the batch that passes them");
  });
});

for (const lost of ["pre-prepare", "prepare", "commit", "checkpoint"] as const) {
  test(`statuses bring every ${lost} that was lost (RT1, I14)`, () => {
    const cluster = new Cluster();
    cluster.carries = ({ message }) => message.kind !== lost;
    for (let session = 1; session <= 4; session += 1) cluster.submit(requestOf({ session }));
    cluster.tick(8);
    cluster.carries = () => true;
    cluster.tick(30);
    for (const { lone } of cluster.nodes) {
      assert.equal(lone.replica.executedSeq, 4);
      assert.equal(lone.replica.stableSeq, 4);
      assert.equal(lone.replica.view, 0);
    }
  });
}

test("nothing is repeated once all is done: an idle cluster only says how it is (RT4)", () => {
  const cluster = new Cluster();
  for (let session = 1; session <= 5; session += 1) cluster.submit(requestOf({ session }));
  cluster.run();
  cluster.tick(20);
  const kinds = new Set<string>();
  cluster.carries = ({ message }) => {
    kinds.add(message.kind);
    return true;
  };
  cluster.tick(60);
  assert.deepEqual([...kinds], ["status"]);
});
