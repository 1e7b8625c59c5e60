import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RejectCode } from "../../../src/core/pbft/reject.js";
import {
  batchOf,
  commit,
  digestOf,
  newViewOf,
  prepare,
  prePrepare,
  requestOf,
  sampleBatch,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

const OTHERS = { kind: "others" } as const;
const batch = sampleBatch(1);
const other = sampleBatch(2);

/** Replica 2, a backup of view 0, that accepted `batch` for number 1; its effects are taken. */
function accepting(): LoneReplica {
  const lone = new LoneReplica({ self: 2 });
  lone.receive(0, prePrepare(0, 1, batch));
  lone.take();
  return lone;
}

describe("the primary", () => {
  test("orders a request at once, and tells the backups (NC2, NC3)", () => {
    const lone = new LoneReplica({ self: 0 });
    const request = requestOf();
    assert.equal(lone.hear(TELLER, request), null);
    const ordered = batchOf(request);
    const record = { kind: "pre-prepared", view: 0, seq: 1, batch: ordered } as const;
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 1, record },
      { kind: "send", to: OTHERS, message: prePrepare(0, 1, ordered), after: 1 },
    ]);
  });

  test("is prepared by Q - 1 backups, without a PREPARE of its own (NC5, NC6)", () => {
    const lone = new LoneReplica({ self: 0 });
    lone.hear(TELLER, batch.requests[0] ?? assert.fail());
    lone.take();
    lone.receive(1, prepare(0, 1, batch));
    assert.deepEqual(lone.take(), []);
    lone.receive(3, prepare(0, 1, batch));
    const record = { kind: "prepared", view: 0, seq: 1, digest: batch.digest } as const;
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 2, record },
      { kind: "send", to: OTHERS, message: commit(0, 1, batch), after: 2 },
    ]);
  });

  test("takes no order from others, nor its own back", () => {
    const lone = new LoneReplica({ self: 0 });
    assert.equal(lone.receive(1, prePrepare(0, 1, batch)), "pre-prepare/not-primary");
  });
});

describe("a backup that gets a pre-prepare", () => {
  test("writes the Q-entry, and promises once that is durable (NC4, 2.12)", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), null);
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 1, record: { kind: "pre-prepared", view: 0, seq: 1, batch } },
      { kind: "send", to: OTHERS, message: prepare(0, 1, batch), after: 1 },
    ]);
  });

  test("takes it for the first and the last number of its window, and no other (NC4)", () => {
    const seqs = [0, 1, 8, 9];
    const rejects = seqs.map((seq) => {
      return new LoneReplica({ self: 2 }).receive(0, prePrepare(0, seq, batch));
    });
    const outside: RejectCode = "pre-prepare/outside-window";
    assert.deepEqual(rejects, [outside, null, null, outside]);
  });

  test("refuses one that is not from the primary of its view (AU5)", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(1, prePrepare(0, 1, batch)), "pre-prepare/not-primary");
    assert.equal(lone.receive(0, prePrepare(1, 1, batch)), "pre-prepare/not-primary");
    assert.deepEqual(lone.take(), []);
  });

  test("refuses one of another view than its own", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(1, prePrepare(1, 1, batch)), "pre-prepare/other-view");
    assert.equal(lone.receive(0, prePrepare(4, 1, batch)), "pre-prepare/other-view");
  });

  test("refuses one while the view is being changed (VC1)", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [1, 3]) lone.receive(replica, viewChangeOf(replica, 1));
    assert.equal(lone.receive(1, prePrepare(1, 1, batch)), "pre-prepare/view-inactive");
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), "pre-prepare/other-view");
  });

  test("refuses one with more requests than a batch may hold", () => {
    const requests = [1, 2, 3, 4, 5].map((session) => requestOf({ session }));
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(0, prePrepare(0, 1, batchOf(...requests))), "pre-prepare/too-large");
    assert.equal(lone.receive(0, prePrepare(0, 1, batchOf(...requests.slice(1)))), null);
  });

  test("takes one again without effect", () => {
    const lone = accepting();
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), "pre-prepare/duplicate");
    assert.deepEqual(lone.take(), []);
  });

  test("takes no third for a number: one that may have prepared would be forgotten (A2)", () => {
    const lone = accepting();
    lone.receive(
      1,
      newViewOf(
        1,
        [0, 1, 3].map((id) => viewChangeOf(id, 1)),
      ),
    );
    assert.equal(lone.receive(1, prePrepare(1, 1, other)), null);
    lone.receive(
      3,
      newViewOf(
        3,
        [0, 1, 3].map((id) => viewChangeOf(id, 3)),
      ),
    );
    assert.equal(lone.receive(3, prePrepare(3, 1, sampleBatch(3))), "pre-prepare/no-room");
    assert.equal(lone.receive(3, prePrepare(3, 1, batch)), null, "it knows this one");
    lone.receive(
      0,
      newViewOf(
        4,
        [0, 1, 3].map((id) => viewChangeOf(id, 4)),
      ),
    );
    assert.equal(lone.receive(0, prePrepare(4, 1, batchOf())), null, "nor does a null batch count");
  });

  test("keeps the first of two, and votes the primary out that sent both (NC10)", () => {
    const lone = accepting();
    assert.equal(lone.receive(0, prePrepare(0, 1, other)), "pre-prepare/equivocation");
    const { message } = single(ofKind(lone.take(), "sign"));
    assert(message.kind === "view-change");
    assert.equal(message.view, 1);
    assert.deepEqual(
      message.prePrepared.map(({ digest }) => digest),
      [batch.digest],
    );
    assert.equal(lone.replica.viewChangeCounts.get("faulty-primary"), 1);
  });

  test("takes a batch whose request was executed before: that is no fault of it (3.5)", () => {
    const lone = accepting();
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.answer();
    assert.equal(lone.replica.executedSeq, 1);
    assert.equal(lone.receive(0, prePrepare(0, 2, batch)), null);
    assert.deepEqual(single(sentOf(lone.take(), "prepare")), prepare(0, 2, batch));
  });
});

describe("a PREPARE", () => {
  test("of Q - 1 backups, its own among them, makes a backup prepared (NC6, NC7)", () => {
    const lone = accepting();
    assert.equal(lone.receive(3, prepare(0, 1, batch)), null);
    const record = { kind: "prepared", view: 0, seq: 1, digest: batch.digest } as const;
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 2, record },
      { kind: "send", to: OTHERS, message: commit(0, 1, batch), after: 2 },
    ]);
  });

  test("may come before the pre-prepare (NC9)", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(3, prepare(0, 1, batch)), null);
    assert.deepEqual(lone.take(), []);
    lone.receive(0, prePrepare(0, 1, batch));
    assert.deepEqual(single(sentOf(lone.take(), "commit")), commit(0, 1, batch));
  });

  test("for another digest does not count", () => {
    const lone = accepting();
    assert.equal(lone.receive(3, prepare(0, 1, other)), null);
    assert.deepEqual(lone.take(), []);
  });

  const cases: [string, number, ReturnType<typeof prepare>, RejectCode][] = [
    ["of the primary", 0, prepare(0, 1, batch), "prepare/from-primary"],
    ["of the primary of its view", 1, prepare(1, 1, batch), "prepare/from-primary"],
    ["below the window", 3, prepare(0, 0, batch), "prepare/outside-window"],
    ["above the window", 3, prepare(0, 9, batch), "prepare/outside-window"],
  ];
  for (const [what, from, message, reject] of cases) {
    test(`${what} is refused (NC5)`, () => {
      assert.equal(accepting().receive(from, message), reject);
    });
  }

  test("of one replica counts once; the first of a view stands (AU6)", () => {
    const lone = accepting();
    lone.receive(1, prepare(0, 1, other));
    assert.equal(lone.receive(1, prepare(0, 1, other)), "prepare/duplicate");
    assert.equal(lone.receive(1, prepare(0, 1, batch)), "prepare/conflict");
    assert.deepEqual(lone.take(), [], "the second vote adds nothing");
  });

  test("of an earlier view comes too late (VC1)", () => {
    const lone = accepting();
    for (const replica of [1, 3]) lone.receive(replica, viewChangeOf(replica, 2));
    assert.equal(lone.receive(3, prepare(0, 1, batch)), "prepare/other-view");
    lone.receive(3, prepare(5, 1, batch));
    assert.equal(lone.receive(3, prepare(4, 1, batch)), "prepare/other-view");
    assert.deepEqual(sentOf(lone.take(), "commit"), []);
  });

  test("of a later view is kept for that view", () => {
    const lone = accepting();
    assert.equal(lone.receive(3, prepare(1, 1, batch)), null);
    assert.deepEqual(sentOf(lone.take(), "commit"), [], "it is no vote in this view");
  });

  test("with seven replicas, five backups' votes minus one do not prepare", () => {
    const lone = new LoneReplica({ self: 2, replicaCount: 7 });
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [3, 4]) lone.receive(replica, prepare(0, 1, batch));
    assert.deepEqual(sentOf(lone.take(), "commit"), []);
    lone.receive(5, prepare(0, 1, batch));
    assert.equal(sentOf(lone.take(), "commit").length, 1);
  });

  test("TV12: with five replicas Q is four, so three backups have to prepare", () => {
    const lone = new LoneReplica({ self: 2, replicaCount: 5 });
    lone.receive(0, prePrepare(0, 1, batch));
    lone.receive(3, prepare(0, 1, batch));
    assert.deepEqual(sentOf(lone.take(), "commit"), []);
    lone.receive(4, prepare(0, 1, batch));
    assert.equal(sentOf(lone.take(), "commit").length, 1);
  });
});

describe("a COMMIT", () => {
  /** Replica 2, prepared for `batch` at 1; the P-entry is append 2. */
  function prepared(): LoneReplica {
    const lone = accepting();
    lone.receive(3, prepare(0, 1, batch));
    lone.take();
    return lone;
  }

  test("of Q replicas decides, and the batch is executed (NC8, EX1)", () => {
    const lone = prepared();
    lone.durable(2);
    lone.receive(0, commit(0, 1, batch));
    assert.deepEqual(lone.take(), []);
    lone.receive(3, commit(0, 1, batch));
    const record = { kind: "committed", seq: 1, digest: batch.digest } as const;
    const { requests } = batch;
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 3, record },
      { kind: "execute", seq: 1, view: 0, batch, requests, pin: false, after: 3 },
    ]);
  });

  test("of our own counts only once the P-entry is durable (2.12)", () => {
    const lone = prepared();
    for (const replica of [0, 3]) lone.receive(replica, commit(0, 1, batch));
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
    lone.durable(1);
    assert.deepEqual(ofKind(lone.take(), "execute"), [], "the Q-entry is not enough");
    lone.durable(2);
    assert.equal(ofKind(lone.take(), "execute").length, 1);
  });

  test("of Q others decides for a replica that is not prepared itself (NC8)", () => {
    const lone = accepting();
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    const effects = lone.take();
    assert.equal(ofKind(effects, "execute").length, 1);
    assert.deepEqual(sentOf(effects, "commit"), [], "it promises nothing by that");
  });

  test("of an earlier view still decides for a replica that has left it (VC1)", () => {
    const lone = accepting();
    for (const replica of [1, 3]) lone.receive(replica, viewChangeOf(replica, 1));
    for (const replica of [0, 1, 3]) assert.equal(lone.receive(replica, commit(0, 1, batch)), null);
    assert.equal(ofKind(lone.take(), "execute").length, 1);
  });

  test("for another digest or another view does not count with the rest", () => {
    const lone = accepting();
    lone.receive(0, commit(0, 1, batch));
    lone.receive(1, commit(1, 1, batch));
    lone.receive(3, commit(0, 1, other));
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
  });

  test("decides nothing while the batch itself is not here", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
    lone.receive(0, prePrepare(0, 1, batch));
    assert.equal(ofKind(lone.take(), "execute").length, 1);
  });

  test("outside the window is refused", () => {
    const lone = accepting();
    assert.equal(lone.receive(3, commit(0, 0, batch)), "commit/outside-window");
    assert.equal(lone.receive(3, commit(0, 9, batch)), "commit/outside-window");
  });

  test("of one replica counts once; the first of a view stands (AU6)", () => {
    const lone = accepting();
    lone.receive(1, commit(0, 1, other));
    assert.equal(lone.receive(1, commit(0, 1, other)), "commit/duplicate");
    assert.equal(lone.receive(1, commit(0, 1, batch)), "commit/conflict");
    lone.receive(1, commit(3, 1, batch));
    assert.equal(lone.receive(1, commit(2, 1, batch)), "commit/stale-view");
  });

  test("of far-away views takes no memory: each replica has one vote a number", () => {
    const lone = accepting();
    for (let view = 1; view < 1_000; view += 1) lone.receive(3, commit(view, 1, other));
    for (const replica of [0, 1]) lone.receive(replica, commit(0, 1, batch));
    assert.deepEqual(ofKind(lone.take(), "execute"), [], "the liar's own vote is what it lost");
    assert.equal(lone.replica.slotCount, 1);
  });
});

test("what was decided stays decided, whatever votes come later (I1)", () => {
  const lone = accepting();
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
  lone.answer();
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(7, 1, { digest: digestOf(9) }));
  assert.deepEqual(ofKind(lone.take(), "append"), []);
});
