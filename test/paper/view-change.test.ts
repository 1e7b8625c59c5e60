/*
 * What the PBFT papers say of view changes (OSDI'99 section 4.4 and 4.5, TOCS'02 section 4.5),
 * sentence by sentence, in our own words.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  balanceOf,
  digestOf,
  entry,
  newViewOf,
  NULL_DIGEST,
  prepare,
  prePrepare,
  requestOf,
  sampleBatch,
  TELLER,
  viewChangeOf,
} from "../core/pbft/builders.js";
import { Cluster } from "../core/pbft/cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "../core/pbft/lone-replica.js";

const batch = sampleBatch(1);

describe("4.4: leaving a view", () => {
  test("a backup waits for a request it got and has not executed, and for no other (VT8)", () => {
    const idle = new LoneReplica({ self: 2 });
    idle.tick(1_000);
    assert(idle.replica.active);
    const waiting = new LoneReplica({ self: 2 });
    waiting.hear(TELLER, requestOf());
    waiting.tick(waiting.options.viewChangeTicks);
    assert.equal(waiting.replica.view, 1);
  });

  test("a backup that leaves a view stops accepting its messages", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf());
    lone.tick(lone.options.viewChangeTicks);
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), "pre-prepare/other-view");
    assert.equal(lone.receive(3, prepare(0, 1, batch)), "prepare/other-view");
  });

  test("its vote names its stable checkpoint and everything that prepared above it", () => {
    const cluster = new Cluster();
    for (let session = 1; session <= 4; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    cluster.carries = ({ message }) => message.kind !== "commit";
    cluster.submit(requestOf({ session: 5 }), [0, 1, 2, 3]);
    cluster.run();
    const votes: { stableSeq: number; prepared: readonly { seq: number }[] }[] = [];
    cluster.carries = ({ message }) => {
      if (message.kind === "view-change") votes.push(message);
      return message.kind !== "commit";
    };
    cluster.crash(0);
    cluster.tick(22);
    assert(votes.length > 0);
    for (const { stableSeq, prepared } of votes) {
      assert.equal(stableSeq, 4);
      assert.deepEqual(
        prepared.map(({ seq }) => seq),
        [5],
      );
    }
  });
});

describe("4.4: entering a view", () => {
  test("the new primary shows 2f votes of others and its own", () => {
    const lone = new LoneReplica({ self: 1 });
    for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 1));
    const newView = single(sentOf(lone.answer(), "new-view"));
    assert.deepEqual(
      newView.viewChanges.map(({ replica, view }) => [replica, view]),
      [
        [0, 1],
        [1, 1],
        [3, 1],
      ],
    );
  });

  test("every number between the last checkpoint and the highest prepared gets an order", () => {
    const lone = new LoneReplica({ self: 2 });
    const entries = [entry(3, digestOf(3), 0)];
    const shape = { prepared: entries, prePrepared: entries };
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1, shape));
    const chosen = [
      { seq: 1, digest: NULL_DIGEST },
      { seq: 2, digest: NULL_DIGEST },
      { seq: 3, digest: digestOf(3) },
    ];
    assert.equal(lone.receive(1, newViewOf(1, votes, { chosen })), null);
    assert.deepEqual(
      sentOf(lone.take(), "prepare").map(({ seq }) => seq),
      [1, 2],
      "null requests fill what is empty; the third batch is fetched first",
    );
  });

  test("a backup recomputes what the new primary chose, and goes on only if it is that", () => {
    const lone = new LoneReplica({ self: 2 });
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1));
    const chosen = [{ seq: 1, digest: digestOf(1) }];
    assert.equal(lone.receive(1, newViewOf(1, votes, { chosen })), "new-view/wrong-decision");
  });

  test("what is agreed on again is not executed again", () => {
    const cluster = new Cluster();
    cluster.submit(requestOf());
    cluster.run();
    cluster.crash(0);
    cluster.submit(requestOf({ session: 2 }), [1, 2, 3]);
    cluster.tick(40);
    for (const { lone } of cluster.up) {
      assert.equal(lone.replica.view, 1);
      assert.equal(balanceOf(lone.ledger), 1_002n);
    }
  });

  test("a null request goes through the protocol like others, and does nothing", () => {
    const cluster = new Cluster();
    for (const to of [1, 2, 3]) {
      cluster.inject(0, to, prePrepare(0, 1, { requests: [], digest: NULL_DIGEST }));
    }
    cluster.run();
    for (const { lone } of cluster.nodes.slice(1)) {
      assert.equal(balanceOf(lone.ledger), 1_000n);
    }
  });
});

describe("4.5.1: nothing is lost, and nothing is decided twice", () => {
  test("a batch that one correct replica executed has its number in every later view", () => {
    const cluster = new Cluster();
    // Replica 2 alone gets to see the commits.
    cluster.carries = ({ to, message }) => message.kind !== "commit" || to === 2;
    cluster.submit(requestOf({ amount: 50n }));
    cluster.run();
    assert.equal(cluster.node(2).lone.replica.executedSeq, 1);
    cluster.carries = ({ from, to }) => from !== 2 && to !== 2;
    cluster.crash(0);
    cluster.restart(0);
    cluster.submit(requestOf({ session: 2 }), [0, 1, 3]);
    cluster.tick(200);
    cluster.carries = () => true;
    cluster.tick(200);
    for (const { lone } of cluster.nodes) assert.equal(balanceOf(lone.ledger), 1_051n);
  });
});

describe("4.5.2: views last long enough, and not too long", () => {
  test("the timer for the new view starts when 2f + 1 want it", () => {
    const lone = new LoneReplica({ self: 2 });
    for (const replica of [0]) lone.receive(replica, viewChangeOf(replica, 1));
    lone.answer();
    lone.tick(500);
    assert.equal(lone.replica.view, 1, "two of three");
    lone.receive(3, viewChangeOf(3, 1));
    lone.tick(lone.options.viewChangeTicks);
    assert.equal(lone.replica.view, 2);
  });

  test("the wait doubles from view to view", () => {
    const lone = new LoneReplica({ self: 0 });
    const waits: number[] = [];
    for (let view = 1; view <= 3; view += 1) {
      for (const replica of [1, 3]) lone.receive(replica, viewChangeOf(replica, view));
      lone.answer();
      let ticks = 0;
      while (lone.replica.view === view && ticks < 1_000) {
        lone.tick();
        ticks += 1;
      }
      waits.push(ticks);
    }
    assert.deepEqual(waits, [20, 40, 80]);
  });

  test("f + 1 votes for later views are joined at once, for the lowest of them", () => {
    const lone = new LoneReplica({ self: 6, replicaCount: 7 });
    lone.receive(1, viewChangeOf(1, 9));
    lone.receive(2, viewChangeOf(2, 5));
    assert.equal(lone.replica.view, 0);
    lone.receive(3, viewChangeOf(3, 6));
    assert.equal(lone.replica.view, 5);
  });

  test("faulty replicas alone can't make others change the view", () => {
    const lone = new LoneReplica({ self: 6, replicaCount: 7 });
    for (const replica of [1, 2]) lone.receive(replica, viewChangeOf(replica, 3));
    assert.deepEqual(ofKind(lone.take(), "sign"), []);
    assert.equal(lone.replica.view, 0);
  });
});
