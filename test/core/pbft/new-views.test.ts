import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import type { NewView, ViewChange } from "../../../src/core/message.js";
import {
  batchOf,
  commit,
  digestOf,
  entry,
  GENESIS_DIGEST,
  newViewOf,
  NULL_DIGEST,
  prepare,
  prePrepare,
  requestOf,
  sampleBatch,
  viewChangeOf,
  type VoteShape,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** A checkpoint that every vote of `votesOf(view, later)` holds, above a stable one at 0. */
const FOUR = { seq: 4, stateDigest: digestOf(4) };
const GENESIS = { seq: 0, stateDigest: GENESIS_DIGEST };

function votesOf(view: number, shape: VoteShape = {}): ViewChange[] {
  return [0, 1, 3].map((replica) => viewChangeOf(replica, view, shape));
}

/** Three votes that say that `batch` prepared at 1 before `view`, and the NEW-VIEW that follows. */
function carryingOver(digest: Uint8Array, view = 1): NewView {
  const entries = [entry(1, digest, view - 1)];
  const votes = votesOf(view, { prepared: entries, prePrepared: entries });
  return newViewOf(view, votes, { chosen: [{ seq: 1, digest }] });
}

describe("a backup that is shown a NEW-VIEW", () => {
  test("enters the view, durably, and accepts what it chose (VC4)", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = sampleBatch(1);
    lone.receive(0, prePrepare(0, 1, batch));
    lone.take();
    const newView = carryingOver(batch.digest);
    assert.equal(lone.receive(1, newView), null);
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 2, record: { kind: "new-view", newView } },
      {
        kind: "append",
        id: 3,
        record: { kind: "pre-prepared", view: 1, seq: 1, batch },
      },
      { kind: "send", to: { kind: "others" }, message: prepare(1, 1, batch), after: 3 },
    ]);
    assert.equal(lone.replica.view, 1);
    assert(lone.replica.active);
  });

  test("accepts a null batch without asking anybody for it", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(1, carryingOver(NULL_DIGEST)), null);
    const sent = single(sentOf(lone.take(), "prepare"));
    assert.deepEqual(sent, prepare(1, 1, { digest: NULL_DIGEST }));
  });

  test("asks for a chosen batch that it lacks, and prepares when it comes (VC13)", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = sampleBatch(1);
    lone.receive(1, carryingOver(batch.digest));
    assert.deepEqual(sentOf(lone.take(), "prepare"), []);
    lone.tick(lone.options.stalledStatusTicks + 1);
    assert.deepEqual(single(sentOf(lone.take(), "status")).missingBatches, [batch.digest]);
    assert.equal(lone.receive(3, { kind: "batch-body", batch }), null);
    assert.deepEqual(single(sentOf(lone.take(), "prepare")), prepare(1, 1, batch));
  });

  test("takes a chosen batch that it lacks from the primary's pre-prepare too", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = sampleBatch(1);
    lone.receive(1, carryingOver(batch.digest));
    assert.equal(lone.receive(1, prePrepare(1, 1, sampleBatch(2))), "pre-prepare/equivocation");
    const other = new LoneReplica({ self: 2 });
    other.receive(1, carryingOver(batch.digest));
    other.take();
    assert.equal(other.receive(1, prePrepare(1, 1, batch)), null);
    assert.deepEqual(single(sentOf(other.take(), "prepare")), prepare(1, 1, batch));
  });

  test("accepts what it chose even where nothing new would be accepted (A2)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, sampleBatch(1)));
    lone.receive(1, newViewOf(1, votesOf(1)));
    lone.receive(1, prePrepare(1, 1, sampleBatch(2)));
    const batch = sampleBatch(3);
    assert.equal(lone.receive(1, carryingOver(batch.digest, 5)), null);
    assert.equal(lone.receive(1, prePrepare(5, 1, batch)), null);
    lone.take();
    lone.receive(3, viewChangeOf(3, 6));
    lone.receive(1, viewChangeOf(1, 6));
    const vote = single(ofKind(lone.take(), "sign")).message;
    assert(vote.kind === "view-change");
    assert.equal(vote.prePrepared.length, 3, "and forgets nothing for it");
  });

  test("votes as it says, though another announcement of its view decided (I1)", () => {
    const lone = new LoneReplica({ self: 2 });
    const [decided, chosen] = [sampleBatch(1), sampleBatch(2)];
    lone.receive(1, viewChangeOf(1, 1));
    lone.receive(3, viewChangeOf(3, 1));
    for (const replica of [0, 3]) {
      lone.receive(replica, { kind: "decision", seq: 1, batch: decided });
    }
    assert.equal(lone.receive(1, carryingOver(chosen.digest)), null);
    lone.take();
    assert.equal(lone.receive(1, prePrepare(1, 1, chosen)), null);
    assert.deepEqual(single(sentOf(lone.take(), "prepare")), prepare(1, 1, chosen));
    lone.receive(3, { kind: "decision-query", seq: 1 });
    const told = single(sentOf(lone.take(), "decision"));
    assert.deepEqual(told.batch, decided, "what is decided stays decided");
  });

  test("goes by COMMITs of the view itself too (I1)", () => {
    const lone = new LoneReplica({ self: 2 });
    const [decided, chosen] = [sampleBatch(1), sampleBatch(2)];
    lone.receive(0, prePrepare(0, 1, decided));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(1, 1, decided));
    assert.equal(lone.receive(1, carryingOver(chosen.digest)), null);
    assert(lone.replica.active);
  });

  test("stops where it contradicts COMMITs of an earlier view: more than f are faulty (I1)", () => {
    const lone = new LoneReplica({ self: 2 });
    const [decided, chosen] = [sampleBatch(1), sampleBatch(2)];
    lone.receive(0, prePrepare(0, 1, decided));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, decided));
    assert.throws(() => lone.receive(1, carryingOver(chosen.digest)), InvariantError);
  });

  test("enters it without having voted, from any lower view", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(3, newViewOf(5, votesOf(5))), null);
    assert.equal(lone.replica.view, 5);
    assert(lone.replica.active);
  });

  test("refuses one that is not signed by the primary of its view", () => {
    const lone = new LoneReplica({ self: 2 });
    const forged = newViewOf(1, votesOf(1), { replica: 3 });
    assert.equal(lone.receive(3, forged), "new-view/not-primary");
    assert.equal(lone.replica.view, 0);
  });

  test("refuses a second one for its view and one for an earlier view (VC2)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(3, newViewOf(3, votesOf(3)));
    assert.equal(lone.receive(3, newViewOf(3, votesOf(3))), "new-view/stale");
    assert.equal(lone.receive(1, newViewOf(1, votesOf(1))), "new-view/stale");
    assert.equal(lone.replica.view, 3);
  });

  test("refuses its own that comes back", () => {
    const lone = new LoneReplica({ self: 1 });
    assert.equal(lone.receive(3, newViewOf(1, votesOf(1))), "new-view/stale");
  });

  const [one, two, three] = votesOf(1);
  assert(one && two && three);
  const malformed: [string, ViewChange[]][] = [
    ["TV4: the same vote three times", [one, one, one]],
    ["votes out of order", [two, one, three]],
    ["TV4: a vote for another view", [one, two, viewChangeOf(3, 2)]],
    [
      "TV10: an invalid vote",
      [one, two, viewChangeOf(3, 1, { prepared: [entry(1, digestOf(1), 1)] })],
    ],
  ];
  for (const [what, votes] of malformed) {
    test(`refuses one with ${what}`, () => {
      const lone = new LoneReplica({ self: 2 });
      assert.equal(lone.receive(1, newViewOf(1, votes)), "new-view/malformed");
      assert(lone.replica.active || lone.replica.view > 1);
    });
  }

  const wrong: [string, NewView][] = [
    ["TV4: too few votes", newViewOf(1, [one, two])],
    [
      "TV11: a batch more than its votes decide",
      newViewOf(1, votesOf(1), {
        chosen: [{ seq: 1, digest: digestOf(1) }],
      }),
    ],
    ["TV11: a batch less than its votes decide", { ...carryingOver(digestOf(1)), chosen: [] }],
    ["another start than its votes decide", newViewOf(1, votesOf(1), { checkpoint: FOUR })],
  ];
  for (const [what, newView] of wrong) {
    test(`refuses one with ${what}`, () => {
      const lone = new LoneReplica({ self: 2 });
      assert.equal(lone.receive(1, newView), "new-view/wrong-decision");
    });
  }

  test("votes for the next view when the primary it waits for announces nonsense (VC3)", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const vote of votesOf(1)) lone.receive(vote.replica, vote);
    lone.answer();
    assert.equal(lone.replica.view, 1);
    assert.equal(lone.receive(1, newViewOf(1, [one, two])), "new-view/wrong-decision");
    assert.equal(lone.replica.view, 2);
    assert.equal(lone.replica.viewChangeCounts.get("faulty-primary"), 1);
  });

  test("is not moved by nonsense about a view that it does not wait for (VC10)", () => {
    const lone = new LoneReplica({ self: 2 });
    const far = 4 * 1_000_000_000 + 1;
    assert.equal(lone.receive(1, newViewOf(far, [])), "new-view/wrong-decision");
    assert.equal(lone.replica.view, 0);
    assert(lone.replica.active, "one faulty replica alone changes no view");
  });
});

describe("what a new view may order", () => {
  test("numbers up to the start of the view are settled: no order for them is taken", () => {
    const lone = new LoneReplica({ self: 2 });
    const votes = votesOf(1, { checkpoints: [GENESIS, FOUR] });
    assert.equal(lone.receive(1, newViewOf(1, votes, { checkpoint: FOUR })), null);
    assert.equal(lone.receive(1, prePrepare(1, 4, sampleBatch(1))), "pre-prepare/outside-window");
    assert.equal(lone.receive(1, prePrepare(1, 5, sampleBatch(1))), null);
  });

  test("a faulty new primary can't order anew what was executed below the start", () => {
    const cluster = new Cluster({ checkpointIntervalSlots: 1, windowSlots: 4 });
    cluster.carries = ({ to, message }) => to !== 3 && message.kind !== "checkpoint";
    cluster.submit(requestOf());
    cluster.run();
    cluster.crash(1);
    const votes = new Map<number, ViewChange>();
    cluster.carries = ({ from, message }) => {
      if (message.kind === "view-change") votes.set(from, message);
      return message.kind !== "request" && message.kind !== "status";
    };
    cluster.submit(requestOf({ session: 2 }), [2, 3]);
    cluster.tick(21);
    assert.equal(votes.size, 3);
    const shown = [...votes.values()].sort((left, right) => left.replica - right.replica);
    const [checkpoint] = shown[0]?.checkpoints.slice(1) ?? [];
    assert(checkpoint !== undefined);
    const order = prePrepare(1, 1, batchOf(requestOf({ session: 666 })));
    for (const to of [0, 2, 3]) {
      assert.equal(cluster.inject(1, to, newViewOf(1, shown, { checkpoint })), null);
      assert.equal(cluster.inject(1, to, order), "pre-prepare/outside-window");
    }
    cluster.run();
    assert.equal(cluster.node(3).lone.replica.executedSeq, 0);
  });
});

describe("the primary of the new view", () => {
  test("announces what the votes decide, once they do and its own is among them", () => {
    const lone = new LoneReplica({ self: 1 });
    const batch = sampleBatch(1);
    lone.receive(0, prePrepare(0, 1, batch));
    lone.take();
    const entries = [entry(1, batch.digest, 0)];
    const shape = { prepared: entries, prePrepared: entries };
    const [zero, three] = [viewChangeOf(0, 1, shape), viewChangeOf(3, 1, shape)];
    lone.receive(0, zero);
    lone.receive(3, three);
    const effects = lone.answer();
    const append = ofKind(effects, "append").find(({ record }) => record.kind === "new-view");
    assert(append?.record.kind === "new-view");
    const { newView } = append.record;
    assert.deepEqual(
      newView.viewChanges.map(({ replica }) => replica),
      [0, 1, 3],
    );
    assert.deepEqual(newView.chosen, [{ seq: 1, digest: batch.digest }]);
    const sent = ofKind(effects, "send").find(({ message }) => message.kind === "new-view");
    assert.equal(sent?.after, append.id, "2.12: it is sent once it is durable");
    assert(lone.replica.active);
    assert.deepEqual(sentOf(effects, "prepare"), [], "a primary sends no PREPARE (NC5)");
  });

  test("waits for more votes rather than guess (TV2)", () => {
    const lone = new LoneReplica({ self: 1 });
    const claimed = { prepared: [entry(1, digestOf(1), 0)] };
    lone.receive(0, viewChangeOf(0, 1, claimed));
    lone.receive(3, viewChangeOf(3, 1));
    assert.deepEqual(
      ofKind(lone.answer(), "sign").map(({ message }) => message.kind),
      ["view-change"],
    );
    lone.receive(2, viewChangeOf(2, 1));
    const kinds = ofKind(lone.answer(), "sign").map(({ message }) => message.kind);
    assert.deepEqual(kinds, ["new-view"]);
  });

  test("fetches a chosen batch that it lacks before it announces (A3)", () => {
    const lone = new LoneReplica({ self: 1 });
    const batch = sampleBatch(1);
    const entries = [entry(1, batch.digest, 0)];
    const shape = { prepared: entries, prePrepared: entries };
    lone.receive(0, viewChangeOf(0, 1, shape));
    lone.receive(3, viewChangeOf(3, 1, shape));
    lone.answer();
    assert.equal(lone.replica.active, false);
    lone.tick(lone.options.stalledStatusTicks + 1);
    assert.deepEqual(single(sentOf(lone.take(), "status")).missingBatches, [batch.digest]);
    assert.equal(lone.receive(3, { kind: "batch-body", batch }), null);
    lone.answer();
    assert(lone.replica.active);
  });

  test("goes on numbering after what it carried over", () => {
    const lone = new LoneReplica({ self: 1 });
    const entries = [entry(3, NULL_DIGEST, 0)];
    const shape = { prepared: entries, prePrepared: entries };
    lone.receive(0, viewChangeOf(0, 1, shape));
    lone.receive(3, viewChangeOf(3, 1, shape));
    lone.answer();
    lone.hear(0, requestOf());
    assert.equal(single(sentOf(lone.take(), "pre-prepare")).seq, 4);
  });

  test("a null batch that everybody executed keeps its number in the next view", () => {
    const cluster = new Cluster();
    const order = prePrepare(0, 1, batchOf());
    for (const to of [1, 2, 3]) cluster.inject(0, to, order);
    cluster.crash(0);
    cluster.run();
    // The faulty primary's own votes complete the quorums.
    for (const to of [1, 2, 3]) {
      cluster.inject(0, to, { kind: "commit", view: 0, seq: 1, digest: NULL_DIGEST });
    }
    cluster.run();
    assert.deepEqual(
      cluster.up.map(({ lone }) => lone.replica.executedSeq),
      [1, 1, 1],
    );
    cluster.submit(requestOf(), [1, 2, 3]);
    cluster.tick(60);
    assert.deepEqual(
      cluster.up.map(({ lone }) => lone.replica.executedSeq),
      [2, 2, 2],
    );
    assert.deepEqual(
      cluster.up.map(({ lone }) => lone.replica.view),
      [1, 1, 1],
    );
  });
});

test("requests that waited are relayed to the new primary or kept for ordering (VC8, BA3)", () => {
  const cluster = new Cluster();
  cluster.carries = ({ message }) => message.kind !== "pre-prepare";
  const request = requestOf();
  cluster.submit(request, [0, 1, 2, 3]);
  cluster.run();
  cluster.tick(19);
  cluster.crash(0);
  cluster.carries = () => true;
  cluster.tick(10);
  for (const { lone } of cluster.up) {
    assert.equal(lone.replica.view, 1);
    assert.equal(lone.replica.executedSeq, 1);
    assert.equal(lone.replica.pendingCount, 0);
  }
});
