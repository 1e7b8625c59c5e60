import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NewView, Rejoin, RejoinAnswer } from "../../../src/core/message.js";
import type { ReplicaOptions } from "../../../src/core/pbft/options.js";
import type { Recovered } from "../../../src/core/pbft/recovery.js";
import {
  balanceOf,
  batchOf,
  checkpointOf,
  digestOf,
  newViewOf,
  NULL_DIGEST,
  prepare,
  prePrepare,
  readOf,
  requestOf,
  sampleBatch,
  statusOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

const NONCE = 77;

function forgetfulWith(records: Recovered["records"] = []): LoneReplica {
  const recovered = {
    ...{ records, storedSeq: 0, sessions: [], evictedThrough: [], rejoinNonce: NONCE },
  };
  return new LoneReplica({ self: 2 }, recovered);
}

function answerOf(view = 0, executedSeq = 0, preparedSeq = executedSeq): RejoinAnswer {
  return { kind: "rejoin-answer", nonce: NONCE, view, executedSeq, preparedSeq };
}

function rejoinOf(seq = 0, view = 0): Rejoin {
  return { kind: "rejoin", nonce: NONCE, seq, view };
}

/** A replica whose bounds are 8 and view 1. */
function boundedReplica(): LoneReplica {
  const lone = forgetfulWith();
  for (const from of [0, 1, 3]) lone.receive(from, answerOf());
  return lone;
}

describe("a replica that forgot its votes (RS4)", () => {
  test("asks all others where they are, with a nonce that no old answer fits (PR3)", () => {
    const lone = forgetfulWith();
    lone.tick();
    const effects = lone.take();
    assert.deepEqual(sentOf(effects, "rejoin"), [rejoinOf()]);
    assert.equal(lone.receive(0, { ...answerOf(), nonce: NONCE - 1 }), "rejoin-answer/not-wanted");
    for (const from of [0, 1, 3]) assert.equal(lone.receive(from, answerOf(1, 5)), null);
    assert.deepEqual(lone.replica.rejoin, { bounds: { seq: 12, view: 2 }, answerCount: 3 });
    assert.equal(lone.receive(0, answerOf()), "rejoin-answer/not-wanted", "it has its bounds");
    lone.tick();
    assert.deepEqual(sentOf(lone.take(), "rejoin"), [rejoinOf(12, 2)]);
  });

  test("neither votes for batches nor writes that it did, but executes what others decide", () => {
    const lone = forgetfulWith();
    const batch = sampleBatch(1);
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), "pre-prepare/not-voting");
    for (const from of [1, 3]) lone.receive(from, prepare(0, 1, batch));
    assert.deepEqual(lone.take(), []);
    const committed = { kind: "commit", view: 0, seq: 1, digest: batch.digest } as const;
    for (const from of [0, 1, 3]) lone.receive(from, committed);
    const effects = lone.answer();
    const records = ofKind(effects, "append").map(({ record }) => record.kind);
    assert.deepEqual(records, ["body", "committed"]);
    assert.equal(lone.replica.executedSeq, 1);
    assert.equal(balanceOf(lone.ledger), 1_001n);
  });

  test("joins no view change and starts none, but follows a new view", () => {
    const lone = forgetfulWith();
    lone.hear(TELLER, requestOf());
    for (const from of [0, 1, 3]) lone.receive(from, viewChangeOf(from, 1));
    lone.tick(200);
    assert.deepEqual(ofKind(lone.take(), "sign"), []);
    assert.equal(lone.replica.view, 0);
    lone.receive(
      1,
      newViewOf(
        1,
        [0, 1, 3].map((from) => viewChangeOf(from, 1)),
      ),
    );
    assert.equal(lone.replica.view, 1);
    assert.deepEqual(ofKind(lone.take(), "sign"), []);
  });

  test("is not moved by a primary that announces a view wrongly", () => {
    const lone = forgetfulWith();
    lone.receive(
      1,
      newViewOf(
        1,
        [0, 1, 3].map((from) => viewChangeOf(from, 1)),
      ),
    );
    const votes = [0, 1, 3].map((from) => viewChangeOf(from, 2));
    const wrong = newViewOf(2, votes, { chosen: [{ seq: 1, digest: digestOf(5) }], replica: 2 });
    assert.equal(lone.receive(0, wrong), "new-view/stale", "its own of former days");
    assert.equal(lone.replica.view, 1);
  });

  test("answers no reads, and is no witness for others in its place", () => {
    const lone = forgetfulWith();
    assert.equal(lone.hear(TELLER, readOf()), "read/recovering");
    assert.equal(lone.receive(3, rejoinOf()), "rejoin/not-helping");
    assert.deepEqual(lone.take(), []);
    assert.equal(
      lone.replica.rejoiningCount,
      2,
      "more than f: beyond what can be made up for (F9)",
    );
  });

  test("does not repeat what others still hold of its former votes", () => {
    const lone = forgetfulWith();
    lone.receive(0, checkpointOf(2, 4, digestOf(4)));
    lone.receive(3, statusOf());
    assert.deepEqual(sentOf(lone.take(), "checkpoint"), []);
  });

  test("does not vote for what a NEW-VIEW carries over, nor after a restart in between", () => {
    const votes = [0, 1, 3].map((from) => viewChangeOf(from, 1));
    const newView = newViewOf(1, votes, { chosen: [{ seq: 1, digest: NULL_DIGEST }] });
    const batch = batchOf();
    const records = [
      { kind: "new-view", newView },
      { kind: "pre-prepared", view: 1, seq: 1, batch },
    ] as const;
    const lone = forgetfulWith(records);
    assert.equal(lone.replica.view, 1);
    lone.receive(0, statusOf({ view: 1, slots: [] }));
    assert.deepEqual(sentOf(lone.take(), "prepare"), []);
  });

  test("does not hold against a primary what an earlier one did meanwhile", () => {
    const votes = [0, 1, 3].map((from) => viewChangeOf(from, 1));
    const newView = newViewOf(1, votes, { chosen: [{ seq: 1, digest: NULL_DIGEST }] });
    const lone = forgetfulWith([{ kind: "new-view", newView }]);
    for (const from of [0, 1, 3]) lone.receive(from, answerOf());
    const other = prePrepare(1, 1, sampleBatch(1));
    assert.equal(lone.receive(1, other), "pre-prepare/equivocation");
    executeNullBatches(lone, 1);
    for (const from of [0, 1, 3])
      lone.receive(from, checkpointOf(from, 8, digestOfCheckpoint(lone)));
    lone.receive(3, thirdView());
    lone.durable(ofKind(lone.take(), "append").at(-1)?.id ?? assert.fail());
    assert.deepEqual(ofKind(lone.take(), "trust"), [{ kind: "trust" }]);
    lone.step({ kind: "trusted" });
    assert.equal(lone.replica.rejoin, null);
    assert.deepEqual([lone.replica.view, lone.replica.active], [3, true]);
  });

  test("comes back only past both bounds, and when it will find that again after a crash", () => {
    const lone = boundedReplica();
    assert.deepEqual(lone.replica.rejoin?.bounds, { seq: 8, view: 1 });
    executeNullBatches(lone, 0);
    assert.deepEqual(ofKind(lone.take(), "sign"), [], "no vote for a checkpoint either");
    const state = digestOfCheckpoint(lone);
    for (const from of [0, 1, 3]) lone.receive(from, checkpointOf(from, 8, state));
    const stable = ofKind(lone.take(), "append").at(-1);
    assert.equal(stable?.record.kind, "stable");
    lone.durable(stable.id);
    assert.deepEqual(ofKind(lone.take(), "trust"), [], "view 0 is one that it may have left");
    lone.receive(3, thirdView());
    const { id } = single(ofKind(lone.take(), "append"));
    assert.equal(lone.replica.view, 3);
    lone.tick();
    assert.deepEqual(ofKind(lone.take(), "trust"), [], "the view is not on the disk yet");
    lone.durable(id);
    assert.deepEqual(ofKind(lone.take(), "trust"), [{ kind: "trust" }]);
    lone.tick();
    assert.deepEqual(ofKind(lone.take(), "trust"), [], "asked for once");
    assert.equal(lone.receive(3, prePrepare(3, 9, batchOf())), "pre-prepare/not-voting");
    lone.step({ kind: "trusted" });
    assert.equal(lone.replica.rejoin, null);
    assert.equal(lone.receive(3, prePrepare(3, 9, batchOf())), null);
    assert.equal(sentOf(lone.take(), "prepare").length, 1, "it votes again");
  });
});

/** The others decide the null batches 1 to 8, which `lone` executes and stores. */
function executeNullBatches(lone: LoneReplica, view: number): void {
  for (let seq = 1; seq <= 8; seq += 1) {
    lone.receive(view, prePrepare(view, seq, batchOf()));
    for (const from of [0, 1, 3]) {
      lone.receive(from, { kind: "commit", view, seq, digest: NULL_DIGEST });
    }
    lone.answer();
  }
  assert.equal(lone.replica.executedSeq, 8);
  lone.step({ kind: "stored", seq: 8 });
}

/** View 3 begins after checkpoint 8. */
function thirdView(): NewView {
  const votes = [0, 1, 3].map((from) => viewChangeOf(from, 3, { stableSeq: 8 }));
  return newViewOf(3, votes, { checkpoint: { seq: 8, stateDigest: digestOf(8) } });
}

/** The digest of the newest checkpoint of `lone`, as another replica with its state has it. */
function digestOfCheckpoint(lone: LoneReplica): Uint8Array {
  const { executedSeq } = lone.replica;
  const other = new LoneReplica({ self: 1 });
  for (let seq = 1; seq <= executedSeq; seq += 1) {
    for (const from of [0, 2, 3]) {
      other.receive(from, { kind: "commit", view: 0, seq, digest: NULL_DIGEST });
    }
    other.receive(0, prePrepare(0, seq, batchOf()));
    other.answer();
  }
  other.step({ kind: "stored", seq: executedSeq });
  const { message } = ofKind(other.take(), "sign").at(-1) ?? {};
  assert(message?.kind === "checkpoint" && message.seq === executedSeq);
  return message.stateDigest;
}

describe("a replica that is asked for help (PR3, PR4)", () => {
  test("says where it is, not too often", () => {
    const lone = new LoneReplica();
    assert.equal(lone.receive(2, rejoinOf()), null);
    const answer = answerOf(0, 0, 0);
    assert.deepEqual(lone.take(), [
      { kind: "send", to: { kind: "replica", id: 2 }, message: answer, after: null },
    ]);
    assert.equal(lone.receive(2, rejoinOf()), "rejoin/too-often");
    lone.tick(2);
    assert.equal(lone.receive(2, rejoinOf()), null);
  });

  test("tells of a number that prepared here and is not executed", () => {
    const lone = new LoneReplica({ self: 1 });
    const batch = sampleBatch(1);
    lone.receive(0, prePrepare(0, 2, batch));
    for (const from of [2, 3]) lone.receive(from, prepare(0, 2, batch));
    lone.take();
    lone.receive(2, rejoinOf());
    assert.deepEqual(sentOf(lone.take(), "rejoin-answer"), [answerOf(0, 0, 2)]);
  });

  test("orders null batches up to the goal and hands its view on, if it leads", () => {
    const lone = new LoneReplica({ self: 0 });
    assert.equal(lone.receive(2, rejoinOf(8, 1)), null);
    const orders = sentOf(lone.take(), "pre-prepare");
    assert.deepEqual(
      orders.map(({ seq, batch }) => [seq, batch.requests.length]),
      [1, 2, 3, 4, 5, 6, 7, 8].map((seq) => [seq, 0]),
    );
    lone.tick();
    const { message } = single(ofKind(lone.take(), "sign"));
    assert(message.kind === "view-change");
    assert.equal(message.view, 1);
    assert.equal(lone.replica.viewChangeCounts.get("rejoin"), 1);
  });

  test("leaves a view whose primary forgot its votes", () => {
    const lone = new LoneReplica({ self: 1 });
    lone.receive(0, rejoinOf());
    lone.tick();
    assert.equal(lone.replica.view, 1);
    assert.equal(lone.replica.active, false);
  });

  test("grants no goal that a correct replica cannot have", () => {
    const lone = new LoneReplica({ self: 0 });
    for (const [seq, view] of [
      [9, 1],
      [7, 1],
      [12, 1],
      [8, 4],
      [1_000_000, 1_000_000],
    ] as const) {
      assert.equal(lone.receive(2, rejoinOf(seq, view)), "rejoin/out-of-reach");
    }
    lone.tick();
    assert.equal(lone.replica.view, 0);
    assert.deepEqual(sentOf(lone.take(), "pre-prepare"), []);
  });

  test("forgets about who is not heard of any more", () => {
    const lone = new LoneReplica({ self: 1 });
    lone.receive(2, rejoinOf(8, 1));
    assert.equal(lone.replica.rejoiningCount, 1);
    lone.tick(50);
    assert.equal(lone.replica.rejoiningCount, 0);
  });
});

/** A cluster with a few batches executed, and replica `id` wiped and started again. */
function wipedCluster(
  id: number,
  replicaCount = 4,
  changes: Partial<ReplicaOptions> = {},
): Cluster {
  const cluster = new Cluster({ ...changes, replicaCount });
  for (let session = 1; session <= 6; session += 1) cluster.submit(requestOf({ session }));
  cluster.run();
  cluster.tick(5);
  cluster.wipe(id);
  cluster.restart(id);
  return cluster;
}

/** Whether all replicas are in step, and all give votes. */
function assertWhole(cluster: Cluster, balance: bigint): void {
  const [first] = cluster.nodes;
  for (const { id, lone } of cluster.nodes) {
    assert.equal(lone.replica.rejoin, null, `replica ${id} votes again`);
    assert.equal(balanceOf(lone.ledger), balance);
    assert.equal(lone.replica.executedSeq, first?.lone.replica.executedSeq);
  }
}

describe("a wiped replica of an idle cluster (F8)", () => {
  for (const id of [0, 1, 2, 3]) {
    test(`comes back if it is replica ${id} of four`, () => {
      const cluster = wipedCluster(id);
      cluster.tick(200);
      assertWhole(cluster, 1_006n);
    });
  }

  test("comes back in a cluster of seven, two at a time", () => {
    const cluster = wipedCluster(6, 7);
    cluster.wipe(0);
    cluster.restart(0);
    cluster.tick(600);
    assertWhole(cluster, 1_006n);
  });

  test("is needed afterwards, and does its part", () => {
    const cluster = wipedCluster(3);
    cluster.tick(200);
    const primary = cluster.node(0).lone.replica.primary;
    const other = [0, 1, 2].find((id) => id !== primary) ?? 0;
    cluster.crash(other);
    const everybody = [0, 1, 2, 3];
    cluster.submit(requestOf({ session: 7 }), everybody);
    cluster.run();
    cluster.tick(5);
    assert.equal(balanceOf(cluster.node(3).lone.ledger), 1_007n);
  });

  test("goes on where it was when it crashes before it is back", () => {
    const cluster = wipedCluster(2);
    for (let round = 0; round < 5; round += 1) {
      cluster.tick(3);
      if (cluster.node(2).lone.replica.rejoin === null) break;
      cluster.crash(2);
      cluster.restart(2);
      assert(cluster.node(2).lone.replica.rejoin !== null, "it never comes back as if nothing was");
    }
    cluster.tick(1_500);
    assertWhole(cluster, 1_006n);
  });

  test("comes back although the primary does not help, once others lose patience", () => {
    const cluster = new Cluster({ replicaCount: 7 });
    cluster.submit(requestOf({ session: 1 }));
    cluster.run();
    cluster.tick(5);
    cluster.wipe(6);
    cluster.carries = ({ to, message }) => to !== 0 || message.kind !== "rejoin";
    cluster.restart(6);
    cluster.tick(100);
    assert(cluster.node(6).lone.replica.rejoin !== null);
    assert.equal(cluster.node(1).lone.replica.view, 0, "its primary is given time");
    cluster.tick(1_500);
    assertWhole(cluster, 1_001n);
  });
});

describe("a wiped replica of a cluster that is used", () => {
  /**
   * Runs `cluster` with a request every `ticks` until its replica 3 votes again. No COMMIT gets
   * through for the first `heldTicks` of these.
   */
  function useUntilWhole(
    cluster: Cluster,
    ticks: number,
    heldTicks = 0,
  ): { nullCount: number; orders: number } {
    const ordered = new Map<string, number>();
    let isHeld = false;
    cluster.carries = ({ message: m }) => {
      if (m.kind === "pre-prepare") ordered.set(`${m.view} ${m.seq}`, m.batch.requests.length);
      return m.kind !== "commit" || !isHeld;
    };
    for (let session = 7; cluster.node(3).lone.replica.rejoin !== null; session += 1) {
      assert(session < 100, "it comes back");
      isHeld = heldTicks > 0;
      cluster.submit(requestOf({ session }), [0, 1, 2]);
      cluster.run();
      cluster.tick(heldTicks);
      isHeld = false;
      cluster.tick(ticks - heldTicks);
    }
    const counts = [...ordered.values()];
    return { nullCount: counts.filter((count) => count === 0).length, orders: counts.length };
  }

  test("comes back by the requests alone, where these are near each other", () => {
    const { nullCount, orders } = useUntilWhole(wipedCluster(3), 4);
    assert.equal(nullCount, 0);
    assert(orders > 0);
  });

  test("comes back by them too where each takes long to agree on", () => {
    const { nullCount } = useUntilWhole(wipedCluster(3, 4, { viewChangeTicksMax: 640 }), 14, 10);
    assert.equal(nullCount, 0);
  });

  test("is helped by null batches where requests are far from each other", () => {
    const { nullCount } = useUntilWhole(wipedCluster(3), 30);
    assert(nullCount > 0);
  });

  test("is helped by null batches once requests alone have taken long", () => {
    const isFar = { windowSlots: 64, viewChangeTicksMax: 80 };
    const { nullCount, orders } = useUntilWhole(wipedCluster(3, 4, isFar), 4);
    assert(nullCount > 0);
    const requestCount = orders - nullCount;
    assert(requestCount > 30 && requestCount < 45, `${requestCount} in two timeouts of 80 ticks`);
  });
});

describe("more than f replicas that forgot (F9)", () => {
  test("stop the cluster, which says so, and say nothing that was not agreed on", () => {
    const cluster = wipedCluster(2);
    cluster.wipe(3);
    cluster.restart(3);
    cluster.tick(300);
    for (const id of [0, 1, 2, 3]) {
      assert.equal(cluster.node(id).lone.replica.rejoiningCount, 2);
    }
    for (const id of [2, 3]) assert.equal(cluster.node(id).lone.replica.rejoin?.bounds, null);
    for (const id of [0, 1]) assert.equal(cluster.node(id).lone.replica.executedSeq, 6);
  });
});

describe("a liar that claims to have forgotten its votes", () => {
  test("costs few views in an hour, however often and of whomever it asks", () => {
    const cluster = new Cluster();
    cluster.crash(3);
    // A grant a pause, which doubles from 500 ticks on: 11 in the 360,000 ticks of an hour. Each is
    // worth 4 views, and each of 3 replicas gives its own.
    const viewsMax = 11 * 4 * 3;
    for (let now = 0; now < 360_000; now += 40) {
      for (const to of [0, 1, 2]) {
        const { view, executedSeq } = cluster.node(to).lone.replica;
        cluster.inject(3, to, rejoinOf(executedSeq + 8, view + 3));
      }
      cluster.run();
      for (const id of [0, 1, 2]) cluster.tickOne(id, 40);
      cluster.run();
    }
    const { view } = cluster.node(0).lone.replica;
    assert(view > 0 && view <= viewsMax, `it was worth ${view} views`);
  });
});
