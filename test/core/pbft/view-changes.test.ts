import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ViewChange } from "../../../src/core/message.js";
import {
  batchOf,
  checkpointOf,
  commit,
  CUSTOMER,
  digestOf,
  entry,
  GENESIS_DIGEST,
  newViewOf,
  prepare,
  prePrepare,
  requestOf,
  sampleBatch,
  statusOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** The view that `lone` asks to be signed a vote for, and why; null when it asks for none. */
function voteIn(lone: LoneReplica): number | null {
  const votes = ofKind(lone.take(), "sign").map(({ message }) => message);
  const vote = votes.findLast(({ kind }) => kind === "view-change");
  return vote?.kind === "view-change" ? vote.view : null;
}

describe("a vote to leave a view", () => {
  test("says what is stable, prepared and accepted here (VC)", () => {
    const lone = new LoneReplica({ self: 2 });
    const [first, second] = [sampleBatch(1), sampleBatch(2)];
    lone.receive(0, prePrepare(0, 1, first));
    lone.receive(0, prePrepare(0, 2, second));
    lone.receive(3, prepare(0, 1, first));
    lone.take();
    lone.receive(0, viewChangeOf(0, 1));
    const message = single(ofKind(lone.take(), "sign")).message;
    assert.deepEqual(message, {
      kind: "view-change",
      replica: 2,
      view: 1,
      stableSeq: 0,
      checkpoints: [{ seq: 0, stateDigest: GENESIS_DIGEST }],
      prepared: [entry(1, first.digest, 0)],
      prePrepared: [entry(1, first.digest, 0), entry(2, second.digest, 0)],
    });
  });

  test("holds a later checkpoint only once the store holds its state", () => {
    const lone = new LoneReplica({ self: 2 });
    for (let seq = 1; seq <= 5; seq += 1) {
      lone.receive(0, prePrepare(0, seq, batchOf()));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batchOf()));
    }
    lone.answer();
    lone.receive(0, viewChangeOf(0, 1));
    const before = single(ofKind(lone.take(), "sign")).message;
    assert(before.kind === "view-change");
    assert.deepEqual(
      before.checkpoints.map(({ seq }) => seq),
      [0],
    );
    lone.step({ kind: "stored", seq: 5 });
    lone.take();
    for (const replica of [0, 1]) lone.receive(replica, viewChangeOf(replica, 2));
    const after = single(ofKind(lone.take(), "sign")).message;
    assert(after.kind === "view-change");
    assert.deepEqual(
      after.checkpoints.map(({ seq }) => seq),
      [0, 4],
    );
  });

  test("is sent once it is durable, with all that it says (2.12)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, viewChangeOf(0, 1));
    lone.take();
    const vote = viewChangeOf(2, 1);
    lone.step({ kind: "signed", message: vote });
    assert.deepEqual(lone.take(), [
      { kind: "append", id: 1, record: { kind: "view-change", vote } },
      { kind: "send", to: { kind: "others" }, message: vote, after: 1 },
    ]);
  });

  test("that comes back signed when the view was left again is not used", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, viewChangeOf(0, 1));
    for (const replica of [0, 1]) lone.receive(replica, viewChangeOf(replica, 3));
    lone.take();
    lone.step({ kind: "signed", message: viewChangeOf(2, 1) });
    assert.deepEqual(lone.take(), []);
  });

  test("ends all promises in the views below for ever (VC1, I6)", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = sampleBatch(1);
    lone.receive(0, prePrepare(0, 1, batch));
    lone.receive(0, viewChangeOf(0, 1));
    lone.answer();
    lone.receive(3, prepare(0, 1, batch));
    lone.receive(0, prePrepare(0, 2, sampleBatch(2)));
    assert.deepEqual(ofKind(lone.take(), "send"), []);
    assert.deepEqual(lone.replica.view, 1);
  });
});

describe("a received vote", () => {
  test("that no correct replica could have sent is refused (TV10)", () => {
    const lone = new LoneReplica({ self: 2 });
    const vote = viewChangeOf(3, 1, { prepared: [entry(9, digestOf(1), 0)] });
    assert.equal(lone.receive(3, vote), "view-change/malformed");
  });

  test("for an earlier view, or the present one, comes too late (VC2)", () => {
    const lone = new LoneReplica({ self: 2 });
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 5));
    lone.receive(1, newViewOf(5, votes));
    assert.equal(lone.receive(3, viewChangeOf(3, 4)), "view-change/stale");
    assert.equal(lone.receive(3, viewChangeOf(3, 5)), "view-change/stale");
    assert.equal(lone.replica.view, 5);
  });

  test("for the same or a lower view than the sender's last is refused (VC2)", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(3, viewChangeOf(3, 2)), null);
    assert.equal(lone.receive(3, viewChangeOf(3, 2)), "view-change/duplicate");
    assert.equal(lone.receive(3, viewChangeOf(3, 1)), "view-change/duplicate");
    assert.equal(lone.receive(3, viewChangeOf(3, 3)), null);
  });

  test("counts for its signer, whoever passes it on (AU5, VC11 and VC12 need no more)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(1, viewChangeOf(3, 2));
    lone.receive(0, viewChangeOf(3, 2));
    assert(lone.replica.active, "one voter is too few");
    assert.equal(lone.receive(3, viewChangeOf(3, 2)), "view-change/duplicate");
  });
});

describe("joining others", () => {
  test("takes f + 1 of them, and the smallest of their views (VC10, VT4)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(3, viewChangeOf(3, 7));
    assert.equal(voteIn(lone), null, "A12: f alone move nobody");
    lone.receive(1, viewChangeOf(1, 4));
    assert.equal(voteIn(lone), 4);
    assert.equal(lone.replica.viewChangeCounts.get("joined"), 1);
  });

  test("takes one if it is the primary that gives its own view up (VC10)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, viewChangeOf(0, 1));
    assert.equal(voteIn(lone), 1);
    const other = new LoneReplica({ self: 2 });
    other.receive(0, viewChangeOf(0, 2));
    assert.equal(voteIn(other), null, "it can skip no view for others");
  });

  test("is possible from one view change into a later one", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, viewChangeOf(0, 1));
    lone.take();
    for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 2));
    assert.equal(voteIn(lone), 2);
  });

  test("f faulty replicas change no view, whatever they vote for (A12)", () => {
    const cluster = new Cluster({ replicaCount: 7 });
    for (let view = 1; view < 200; view += 1) {
      for (const from of [5, 6]) {
        for (const to of [0, 1, 2]) cluster.inject(from, to, viewChangeOf(from, view));
      }
    }
    cluster.run();
    assert.deepEqual(
      cluster.nodes.map(({ lone }) => lone.replica.view),
      [0, 0, 0, 0, 0, 0, 0],
    );
  });
});

describe("the timers of a view change", () => {
  const T = 20;

  /** Replica 2 that waits for view 1 with the votes of `voters`. */
  function waiting(...voters: number[]): LoneReplica {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf());
    lone.receive(0, viewChangeOf(0, 1));
    lone.answer();
    for (const replica of voters) lone.receive(replica, viewChangeOf(replica, 1));
    lone.take();
    return lone;
  }

  test("do not run before Q take part (VT2)", () => {
    const lone = waiting();
    lone.tick(10 * T);
    assert.equal(lone.replica.view, 1);
  });

  test("run out after T: the next view it is, with twice the time (VT3, VT5)", () => {
    const lone = waiting(3);
    lone.tick(T - 1);
    assert.equal(lone.replica.view, 1);
    lone.tick();
    assert.equal(lone.replica.view, 2);
    assert.equal(lone.replica.viewChangeCounts.get("new-view-timeout"), 1);
    lone.answer();
    for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 2));
    lone.tick(2 * T - 1);
    assert.equal(lone.replica.view, 2);
    lone.tick();
    assert.equal(lone.replica.view, 3);
  });

  test("count replicas that are ahead already (VT2)", () => {
    const lone = waiting();
    lone.receive(3, viewChangeOf(3, 9));
    lone.tick(T);
    assert.equal(lone.replica.view, 2);
  });

  test("double no further than to the cap (VT5)", () => {
    const lone = waiting(3);
    for (let view = 1; view < 8; view += 1) {
      lone.answer();
      for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, view));
      lone.tick(lone.options.viewChangeTicksMax);
      assert.equal(lone.replica.view, view + 1);
    }
  });

  test("start anew for every request when the view is entered (VC8)", () => {
    const lone = waiting(3);
    lone.tick(T - 1);
    lone.receive(
      1,
      newViewOf(
        1,
        [0, 1, 3].map((replica) => viewChangeOf(replica, 1)),
      ),
    );
    lone.tick(T - 1);
    assert(lone.replica.active);
    lone.tick();
    assert.equal(lone.replica.view, 2, "the request still waits in the new view (VT3)");
  });
});

describe("the timer of a request", () => {
  const T = 20;

  test("runs from when it became known; its end is the end of the view (VT1)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.tick(100);
    lone.hear(TELLER, requestOf());
    lone.tick(T - 1);
    assert(lone.replica.active);
    lone.tick();
    assert.equal(lone.replica.view, 1);
    assert.equal(lone.replica.viewChangeCounts.get("request-timeout"), 1);
  });

  test("is the oldest one's, whatever else is executed: nobody is starved (VT1, A4)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(CUSTOMER, requestOf({ client: CUSTOMER, session: 99 }));
    for (let seq = 1; seq <= 4; seq += 1) {
      const batch = sampleBatch(seq);
      lone.hear(TELLER, batch.requests[0] ?? assert.fail());
      lone.receive(0, prePrepare(0, seq, batch));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
      lone.answer();
      lone.tick(T / 4);
    }
    assert.equal(lone.replica.view, 1);
  });

  test("stops when the request is executed", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = sampleBatch(1);
    lone.hear(TELLER, batch.requests[0] ?? assert.fail());
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.answer();
    lone.tick(10 * T);
    assert(lone.replica.active);
  });

  test("waits longer, but not for ever, for what we ourselves have not executed (VT6)", () => {
    const lone = new LoneReplica({ self: 2 });
    const batch = sampleBatch(1);
    lone.hear(TELLER, batch.requests[0] ?? assert.fail());
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.take();
    lone.tick(T + lone.options.viewChangeTicksMax - 1);
    assert(lone.replica.active, "the host has not answered the execution");
    lone.tick();
    assert(!lone.replica.active);
  });

  test("makes a primary give up whose batch is not executed (I14)", () => {
    const lone = new LoneReplica({ self: 0 });
    lone.hear(TELLER, requestOf());
    lone.tick(T - 1);
    assert(lone.replica.active);
    lone.tick();
    assert(!lone.replica.active);
  });
});

describe("whoever lags behind a view change", () => {
  test("is sent our vote while it is under way, and the NEW-VIEW once it is done (VC5)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, viewChangeOf(0, 1));
    lone.answer();
    lone.receive(3, statusOf());
    assert.deepEqual(single(sentOf(lone.take(), "view-change")).view, 1);
    const newView = newViewOf(
      1,
      [0, 1, 3].map((replica) => viewChangeOf(replica, 1)),
    );
    lone.receive(1, newView);
    lone.take();
    lone.tick(2);
    lone.receive(3, statusOf({ view: 1, active: false }));
    assert.deepEqual(single(sentOf(lone.take(), "new-view")), newView);
  });

  test("is not sent a vote that it holds", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, viewChangeOf(0, 1));
    lone.answer();
    lone.receive(3, statusOf({ view: 1, active: false, viewChangesMask: 0b0100 }));
    assert.deepEqual(sentOf(lone.take(), "view-change"), []);
  });

  test("gets through although every vote was lost at first (VC5)", () => {
    const cluster = new Cluster();
    cluster.crash(0);
    cluster.carries = ({ message }) => message.kind !== "view-change";
    cluster.submit(requestOf(), [1, 2, 3]);
    cluster.tick(25);
    assert.deepEqual(
      cluster.up.map(({ lone }) => lone.replica.active),
      [false, false, false],
    );
    cluster.carries = () => true;
    cluster.tick(30);
    for (const { lone } of cluster.up) assert.equal(lone.replica.executedSeq, 1);
  });

  test("that is alone in a higher view still executes what others decide (VC9)", () => {
    const cluster = new Cluster();
    cluster.submit(requestOf({ session: 9 }), [3]);
    cluster.packets.length = 0;
    cluster.tickOne(3, 25);
    cluster.run();
    assert.equal(cluster.node(3).lone.replica.view, 1);
    for (const session of [1, 2, 3]) cluster.submit(requestOf({ session }));
    cluster.run();
    cluster.tick(20);
    assert.equal(cluster.node(0).lone.replica.view, 0);
    assert(cluster.node(3).lone.replica.executedSeq >= 3);
  });
});

test("f primaries in a row may be down: the views pass them over (F4)", () => {
  const cluster = new Cluster({ replicaCount: 7 });
  cluster.crash(0);
  cluster.crash(1);
  cluster.submit(requestOf(), [2, 3, 4, 5, 6]);
  cluster.tick(100);
  for (const { lone } of cluster.up) {
    assert.equal(lone.replica.view, 2);
    assert.equal(lone.replica.executedSeq, 1);
  }
});

test("views change no more once all is well, and time is short again (VT5, I13)", () => {
  const cluster = new Cluster();
  cluster.crash(0);
  cluster.submit(requestOf(), [1, 2, 3]);
  cluster.tick(40);
  cluster.crash(1);
  cluster.restart(0);
  cluster.submit(requestOf({ session: 2 }), [0, 2, 3]);
  cluster.tick(60);
  const views = cluster.up.map(({ lone }) => lone.replica.view);
  cluster.tick(400);
  assert.deepEqual(
    cluster.up.map(({ lone }) => lone.replica.view),
    views,
  );
  for (const { lone } of cluster.up) assert.equal(lone.replica.pendingCount, 0);
});

test("votes that name checkpoints carry a lagging window along", () => {
  const lone = new LoneReplica({ self: 2 });
  const four = { seq: 4, stateDigest: digestOf(4) };
  const ahead = { stableSeq: 4, checkpoints: [four], prepared: [entry(9, digestOf(1), 0)] };
  const shape = { ...ahead, prePrepared: ahead.prepared };
  const votes: ViewChange[] = [0, 1, 3].map((replica) => viewChangeOf(replica, 1, shape));
  const digests = [5, 6, 7, 8].map((seq) => ({ seq, digest: batchOf().digest }));
  const chosen = [...digests, { seq: 9, digest: digestOf(1) }];
  assert.equal(lone.receive(1, newViewOf(1, votes, { checkpoint: four, chosen })), null);
  assert.equal(sentOf(lone.take(), "prepare").length, 4, "9 is above its window for now");
  for (const replica of [0, 1, 3])
    lone.receive(replica, checkpointOf(replica, 4, four.stateDigest));
  assert.equal(lone.replica.stableSeq, 0, "it lacks the state");
});
