import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import type { JournalRecord } from "../../../src/core/message.js";
import type { Recovered } from "../../../src/core/pbft/recovery.js";
import {
  balanceOf,
  batchOf,
  checkpointOf,
  commit,
  digestOf,
  entry,
  newViewOf,
  NULL_DIGEST,
  prepare,
  prePrepare,
  readOf,
  requestOf,
  sampleBatch,
  statusOf,
  viewChangeOf,
} from "./builders.js";
import { Cluster } from "./cluster.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

const batch = sampleBatch(1);
const preparedRecord = { kind: "prepared", view: 0, seq: 1, digest: batch.digest } as const;
const acceptedRecord = { kind: "pre-prepared", view: 0, seq: 1, batch } as const;

function recoveredWith(...records: JournalRecord[]): Recovered {
  return { records, storedSeq: 0, sessions: [], evictedThrough: [], rejoinNonce: null };
}

/** What a vote of `lone` to leave its view says about P and Q. */
function promisesOf(
  lone: LoneReplica,
  primary: number,
): { prepared: unknown; prePrepared: unknown } {
  lone.take();
  lone.receive(primary, viewChangeOf(primary, lone.replica.view + 1));
  const { message } = single(ofKind(lone.take(), "sign"));
  assert(message.kind === "view-change");
  return { prepared: message.prepared, prePrepared: message.prePrepared };
}

describe("a replica that starts again from its journal", () => {
  test("keeps its P- and Q-entries, for its next vote (2.12, RS2)", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord, preparedRecord));
    const promises = [entry(1, batch.digest, 0)];
    assert.deepEqual(promisesOf(lone, 0), { prepared: promises, prePrepared: promises });
  });

  test("keeps a Q-entry for which nothing prepared", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord));
    const prePrepared = [entry(1, batch.digest, 0)];
    assert.deepEqual(promisesOf(lone, 0), { prepared: [], prePrepared });
  });

  test("does not accept another batch for a number and view it voted in (I5)", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord));
    assert.equal(lone.receive(0, prePrepare(0, 1, sampleBatch(2))), "pre-prepare/equivocation");
    const same = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord));
    assert.equal(same.receive(0, prePrepare(0, 1, batch)), "pre-prepare/duplicate");
  });

  test("says again what it promised, to whoever asks", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord, preparedRecord));
    const slots = [{ hasBatch: true, preparesMask: 0, commitsMask: 0 }];
    lone.receive(3, statusOf({ slots }));
    const to = { kind: "replica", id: 3 } as const;
    assert.deepEqual(lone.take(), [
      { kind: "send", to, message: prepare(0, 1, batch), after: 0 },
      { kind: "send", to, message: commit(0, 1, batch), after: 0 },
    ]);
  });

  test("stays out of the views that it voted to leave (VC1)", () => {
    const vote = viewChangeOf(2, 3);
    const lone = new LoneReplica({ self: 2 }, recoveredWith({ kind: "view-change", vote }));
    assert.equal(lone.replica.view, 3);
    assert.equal(lone.replica.active, false);
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), "pre-prepare/other-view");
    lone.receive(0, statusOf({ view: 0 }));
    assert.deepEqual(single(sentOf(lone.take(), "view-change")), vote, "the very same vote (VC5)");
  });

  test("goes on in the view that it entered", () => {
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1));
    const newView = newViewOf(1, votes, { chosen: [{ seq: 1, digest: NULL_DIGEST }] });
    const records: JournalRecord[] = [
      { kind: "view-change", vote: viewChangeOf(2, 1) },
      { kind: "new-view", newView },
    ];
    const lone = new LoneReplica({ self: 2 }, recoveredWith(...records));
    assert.equal(lone.replica.view, 1);
    assert(lone.replica.active);
    lone.tick();
    const prepared = single(sentOf(lone.take(), "prepare"));
    assert.deepEqual(prepared, prepare(1, 1, { digest: NULL_DIGEST }), "what it chose goes on");
    lone.receive(3, statusOf({ view: 0 }));
    assert.deepEqual(single(sentOf(lone.take(), "new-view")), newView);
  });

  test("goes on there even if others told it of another decision since (I1)", () => {
    const entries = [entry(1, NULL_DIGEST, 0)];
    const shape = { prepared: entries, prePrepared: entries };
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1, shape));
    const newView = newViewOf(1, votes, { chosen: [{ seq: 1, digest: NULL_DIGEST }] });
    const records: JournalRecord[] = [
      { kind: "new-view", newView },
      { kind: "body", seq: 1, batch },
      { kind: "committed", seq: 1, digest: batch.digest },
    ];
    const lone = new LoneReplica({ self: 2 }, recoveredWith(...records));
    lone.tick();
    assert.deepEqual(single(ofKind(lone.take(), "execute")).batch, batch);
  });

  test("waits no longer than T in a late view: those before it were no failures (VT5)", () => {
    const vote = viewChangeOf(2, 9);
    const lone = new LoneReplica({ self: 2 }, recoveredWith({ kind: "view-change", vote }));
    for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 9));
    lone.tick(lone.options.viewChangeTicks - 1);
    assert.equal(lone.replica.view, 9);
    lone.tick();
    assert.equal(lone.replica.view, 10);
  });

  test("finds the same whether records of the view were carried over once or twice", () => {
    const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, 1));
    const entered = { kind: "new-view", newView: newViewOf(1, votes) } as const;
    const left = { kind: "view-change", vote: viewChangeOf(2, 2) } as const;
    const twice = new LoneReplica({ self: 2 }, recoveredWith(entered, entered));
    assert.equal(twice.replica.view, 1);
    assert(twice.replica.active);
    const ahead = new LoneReplica({ self: 2 }, recoveredWith(left, entered, left));
    assert.equal(ahead.replica.view, 2);
    assert.equal(ahead.replica.active, false);
    const later = new LoneReplica({ self: 2 }, recoveredWith(entered, left, left));
    assert.equal(later.replica.view, 2);
    assert.equal(later.replica.active, false);
  });

  test("executes what was committed and is not in the store yet, once", () => {
    const committed = { kind: "committed", seq: 1, digest: batch.digest } as const;
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord, committed));
    lone.tick();
    lone.answer();
    assert.equal(lone.replica.executedSeq, 1);
    assert.equal(balanceOf(lone.ledger), 1_001n);
  });

  test("executes a batch that it only knew by its body record", () => {
    const records: JournalRecord[] = [
      { kind: "body", seq: 1, batch },
      { kind: "committed", seq: 1, digest: batch.digest },
    ];
    const lone = new LoneReplica({ self: 2 }, recoveredWith(...records));
    lone.tick();
    lone.answer();
    assert.equal(lone.replica.executedSeq, 1);
  });

  test("does not execute again what the store holds", () => {
    const committed = { kind: "committed", seq: 1, digest: batch.digest } as const;
    const recovered = { ...recoveredWith(acceptedRecord, committed), storedSeq: 1 };
    const lone = new LoneReplica({ self: 2 }, recovered);
    lone.tick();
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
    assert.equal(lone.replica.executedSeq, 1);
  });

  test("answers a request that it executed before from its table (EX2)", () => {
    const results = Uint8Array.of(9);
    const held = { client: 0, session: 1, timestamp: 1, seq: 1, code: 0, results } as const;
    const lone = new LoneReplica(
      { self: 2 },
      { ...recoveredWith(), storedSeq: 1, sessions: [held] },
    );
    assert.equal(lone.hear(0, requestOf()), null);
    const { message, after } = single(ofKind(lone.take(), "reply"));
    assert(message.kind === "reply");
    assert.deepEqual([message.results, message.seq, after], [results, 1, null]);
  });

  test("starts its window at the stable checkpoint", () => {
    const certificate = [0, 1, 3].map((replica) => checkpointOf(replica, 4, digestOf(4)));
    const stable = { kind: "stable", seq: 4, certificate } as const;
    const lone = new LoneReplica({ self: 2 }, { ...recoveredWith(stable), storedSeq: 5 });
    assert.equal(lone.replica.stableSeq, 4);
    assert.equal(lone.replica.executedSeq, 5);
    lone.receive(3, statusOf());
    assert.deepEqual(sentOf(lone.take(), "checkpoint"), certificate);
  });

  test("stops when its store is behind the stable checkpoint", () => {
    const certificate = [0, 1, 3].map((replica) => checkpointOf(replica, 4, digestOf(4)));
    const stable = { kind: "stable", seq: 4, certificate } as const;
    const recovered = { ...recoveredWith(stable), storedSeq: 3 };
    assert.throws(() => new LoneReplica({ self: 2 }, recovered), InvariantError);
  });

  test("votes for the checkpoint whose state its store holds exactly", () => {
    const lone = new LoneReplica({ self: 2 }, { ...recoveredWith(), storedSeq: 4 });
    const { message } = single(ofKind(lone.take(), "sign"));
    assert(message.kind === "checkpoint");
    assert.equal(message.seq, 4);
    const between = new LoneReplica({ self: 2 }, { ...recoveredWith(), storedSeq: 5 });
    assert.deepEqual(between.take(), []);
  });
});

describe("a primary that starts again", () => {
  test("gives up the view that it led: others need not wait until it has caught up", () => {
    const lone = new LoneReplica({ self: 0 }, recoveredWith(acceptedRecord));
    lone.hear(0, requestOf({ session: 2 }));
    assert.deepEqual(sentOf(lone.take(), "pre-prepare"), []);
    lone.tick();
    const { message } = single(ofKind(lone.take(), "sign"));
    assert(message.kind === "view-change");
    assert.equal(message.view, 1);
    assert.equal(lone.replica.viewChangeCounts.get("abdicated"), 1);
  });

  test("may lead a view that it had not announced yet", () => {
    const vote = viewChangeOf(1, 1);
    const lone = new LoneReplica({ self: 1 }, recoveredWith({ kind: "view-change", vote }));
    for (const replica of [0, 3]) lone.receive(replica, viewChangeOf(replica, 1));
    lone.answer();
    assert(lone.replica.active);
    lone.hear(0, requestOf());
    assert.equal(sentOf(lone.take(), "pre-prepare").length, 1);
  });

  test("of a cluster that was killed as a whole hands over, and nothing is lost (RS5)", () => {
    const cluster = new Cluster();
    for (let session = 1; session <= 6; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    for (const { id } of cluster.nodes) cluster.crash(id);
    for (const { id } of cluster.nodes) cluster.restart(id);
    cluster.tick(10);
    cluster.submit(requestOf({ session: 7 }), [0, 1, 2, 3]);
    cluster.tick(10);
    for (const { lone } of cluster.nodes) {
      assert.equal(balanceOf(lone.ledger), 1_007n);
      assert.equal(lone.replica.view, 1);
    }
  });
});

describe("the read barrier (RO6)", () => {
  test("refuses reads until what had prepared here is executed again", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord, preparedRecord));
    assert.equal(lone.hear(0, readOf()), "read/recovering");
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.answer();
    assert.equal(lone.hear(0, readOf()), null);
    assert.equal(single(ofKind(lone.take(), "query")).seq, 1);
  });

  test("covers what was committed here without having prepared", () => {
    const records: JournalRecord[] = [
      { kind: "body", seq: 1, batch },
      { kind: "committed", seq: 1, digest: batch.digest },
    ];
    const lone = new LoneReplica({ self: 2 }, recoveredWith(...records));
    assert.equal(lone.hear(0, readOf()), "read/recovering", "its reply may have counted");
    lone.answer();
    assert.equal(lone.hear(0, readOf()), null);
  });

  test("does not cover what was only accepted", () => {
    const lone = new LoneReplica({ self: 2 }, recoveredWith(acceptedRecord));
    assert.equal(lone.hear(0, readOf()), null);
  });
});

describe("a checkpoint that was taken before the restart", () => {
  test("becomes stable by the others' votes, though its own digest is forgotten", () => {
    const lone = new LoneReplica({ self: 2 }, { ...recoveredWith(), storedSeq: 5 });
    const votes = [0, 1, 3].map((replica) => checkpointOf(replica, 4, digestOf(4)));
    for (const vote of votes) lone.receive(vote.replica, vote);
    assert.equal(lone.replica.stableSeq, 4);
  });

  test("does not keep a cluster with one replica down from changing views", () => {
    const cluster = new Cluster();
    // Only replica 1 hears the votes for checkpoint 4.
    cluster.carries = ({ to, message }) => message.kind !== "checkpoint" || to === 1;
    for (let session = 1; session <= 5; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    assert.deepEqual(
      cluster.nodes.map(({ lone }) => lone.replica.stableSeq),
      [0, 4, 0, 0],
    );
    for (const { id } of cluster.nodes) cluster.crash(id);
    for (const id of [0, 1, 2]) cluster.restart(id);
    cluster.carries = () => true;
    cluster.submit(requestOf({ session: 9 }), [0, 1, 2]);
    cluster.tick(300);
    for (const { lone } of cluster.up) assert.equal(balanceOf(lone.ledger), 1_006n);
  });

  test("is followed by one whose votes get through even if they are lost once", () => {
    const cluster = new Cluster();
    cluster.carries = ({ message }) => message.kind !== "checkpoint";
    for (let session = 1; session <= 7; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    for (const { id } of cluster.nodes) cluster.crash(id);
    for (const id of [0, 1, 2]) cluster.restart(id);
    cluster.submit(requestOf({ session: 8 }), [0, 1, 2]);
    cluster.tick(100);
    assert.deepEqual(
      cluster.up.map(({ lone }) => lone.replica.executedSeq),
      [8, 8, 8],
    );
    cluster.carries = () => true;
    cluster.tick(100);
    assert.deepEqual(
      cluster.up.map(({ lone }) => lone.replica.stableSeq),
      [8, 8, 8],
    );
  });
});

test("requests of a batch that was ordered twice run once across a restart (I4)", () => {
  const cluster = new Cluster();
  const request = requestOf();
  cluster.submit(request, [0, 1, 2, 3]);
  cluster.run();
  cluster.crash(2);
  cluster.restart(2);
  const again = batchOf(request);
  for (const to of [1, 2, 3]) cluster.inject(0, to, prePrepare(0, 2, again));
  cluster.run();
  for (const { lone } of cluster.nodes) assert.equal(balanceOf(lone.ledger), 1_001n);
});
