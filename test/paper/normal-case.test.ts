/*
 * What the PBFT papers say of the normal case, sentence by sentence, in our own words. Sections are
 * those of "Practical Byzantine Fault Tolerance" (OSDI'99).
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Reply } from "../../src/core/message.js";
import {
  balanceOf,
  batchOf,
  commit,
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

function repliesOf(cluster: Cluster): Reply[] {
  return cluster.answers.map(({ message }) => {
    assert(message.kind === "reply");
    return message;
  });
}

describe("4: replicas and views", () => {
  test("every view has one primary, and view v has replica v mod n", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.replica.primary, 0);
    for (const replica of [0, 1]) lone.receive(replica, viewChangeOf(replica, 7));
    assert.equal(lone.replica.view, 7);
    assert.equal(lone.replica.primary, 3);
  });

  test("replicas that start alike and execute alike stay alike", () => {
    const cluster = new Cluster();
    for (let session = 1; session <= 7; session += 1) cluster.submit(requestOf({ session }));
    cluster.run();
    const [first, ...rest] = cluster.nodes.map(({ lone }) => lone.ledger.root());
    for (const root of rest) assert.deepEqual(root, first);
  });
});

describe("4.1: the client", () => {
  test("sends its request to the primary, which passes it on in an order", () => {
    const lone = new LoneReplica({ self: 0 });
    lone.hear(TELLER, requestOf());
    const order = single(sentOf(lone.take(), "pre-prepare"));
    assert.deepEqual(order.batch.requests, [requestOf()]);
  });

  test("numbers its requests, so that later ones have higher timestamps and each runs once", () => {
    const cluster = new Cluster();
    const [first, second] = [requestOf({ timestamp: 1 }), requestOf({ timestamp: 2 })];
    for (const request of [first, second, first, second]) {
      cluster.submit(request);
      cluster.run();
    }
    for (const { lone } of cluster.nodes) assert.equal(balanceOf(lone.ledger), 1_002n);
  });

  test("gets the reply from every replica itself, with view, timestamp and result", () => {
    const cluster = new Cluster();
    cluster.submit(requestOf());
    cluster.run();
    const replies = repliesOf(cluster);
    assert.deepEqual(cluster.answers.map(({ from }) => from).sort(), [0, 1, 2, 3]);
    for (const { view, timestamp, results } of replies) {
      assert.deepEqual([view, timestamp], [0, 1]);
      assert.deepEqual(results, replies[0]?.results);
    }
  });

  test("asks all replicas when no answer comes; who has executed it answers again", () => {
    const cluster = new Cluster();
    cluster.submit(requestOf());
    cluster.run();
    const before = repliesOf(cluster);
    cluster.answers.length = 0;
    cluster.submit(requestOf(), [0, 1, 2, 3]);
    assert.deepEqual(repliesOf(cluster), before, "at once, and nothing runs again");
    for (const { lone } of cluster.nodes) assert.equal(balanceOf(lone.ledger), 1_001n);
  });

  test("asks all replicas when no answer comes; who has not relays it to the primary", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.hear(TELLER, requestOf());
    const sent = single(ofKind(lone.take(), "send"));
    assert.deepEqual(sent.to, { kind: "replica", id: 0 });
    assert.deepEqual(sent.message, requestOf());
  });

  test("asks all replicas when no answer comes; a primary that keeps it back is suspected", () => {
    const cluster = new Cluster();
    cluster.crash(0);
    cluster.submit(requestOf(), [1, 2, 3]);
    cluster.tick(21);
    for (const { lone } of cluster.up) assert.equal(lone.replica.view, 1);
  });
});

describe("4.2: pre-prepare", () => {
  test("the primary gives requests consecutive numbers and tells all backups", () => {
    const cluster = new Cluster();
    const seqs: [number, number][] = [];
    cluster.carries = ({ to, message }) => {
      if (message.kind === "pre-prepare") seqs.push([to, message.seq]);
      return true;
    };
    cluster.submit(requestOf({ session: 1 }));
    cluster.submit(requestOf({ session: 2 }));
    assert.deepEqual(seqs, [
      [1, 1],
      [2, 1],
      [3, 1],
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
  });

  test("a backup accepts it in the view it is in, and in no other", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(1, prePrepare(1, 1, batch)), "pre-prepare/other-view");
    assert.equal(lone.receive(0, prePrepare(0, 1, batch)), null);
  });

  test("a backup accepts it if it took no other digest for that view and number", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, batch));
    assert.equal(lone.receive(0, prePrepare(0, 1, sampleBatch(2))), "pre-prepare/equivocation");
  });

  test("a backup accepts it between the watermarks, and nowhere else", () => {
    const lone = new LoneReplica({ self: 2 });
    const { windowSlots } = lone.options;
    const above = prePrepare(0, windowSlots + 1, batch);
    assert.equal(lone.receive(0, above), "pre-prepare/outside-window");
    assert.equal(lone.receive(0, prePrepare(0, 0, batch)), "pre-prepare/outside-window");
    assert.equal(lone.receive(0, prePrepare(0, windowSlots, batch)), null);
  });
});

describe("4.2: prepare", () => {
  test("a backup that accepts tells all others, and logs both messages", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, batch));
    const [append, send] = lone.take();
    assert(append?.kind === "append" && append.record.kind === "pre-prepared");
    assert(send?.kind === "send");
    assert.deepEqual(send.to, { kind: "others" });
    assert.deepEqual(send.message, prepare(0, 1, batch));
  });

  test("a backup that does not accept says nothing", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(3, prePrepare(0, 1, batch));
    assert.deepEqual(lone.take(), []);
  });

  test("prepared needs the pre-prepare and 2f matching prepares of different backups", () => {
    const withoutOrder = new LoneReplica({ self: 2 });
    for (const replica of [1, 3]) withoutOrder.receive(replica, prepare(0, 1, batch));
    assert.deepEqual(withoutOrder.take(), []);

    const lone = new LoneReplica({ self: 2, replicaCount: 7 });
    lone.receive(0, prePrepare(0, 1, batch));
    lone.take();
    lone.receive(0, prepare(0, 1, batch));
    lone.receive(3, prepare(0, 1, batch));
    lone.receive(3, prepare(0, 1, batch));
    lone.receive(4, prepare(0, 1, sampleBatch(2)));
    lone.receive(5, prepare(1, 1, batch));
    lone.receive(6, prepare(0, 2, batch));
    assert.deepEqual(sentOf(lone.take(), "commit"), [], "2f - 2 of others match, with its own");
    lone.receive(1, prepare(0, 1, batch));
    assert.deepEqual(sentOf(lone.take(), "commit"), []);
    const last = new LoneReplica({ self: 2, replicaCount: 7 });
    last.receive(0, prePrepare(0, 1, batch));
    for (const replica of [1, 3, 4]) last.receive(replica, prepare(0, 1, batch));
    assert.equal(sentOf(last.take(), "commit").length, 1);
  });

  test("two correct replicas never prepare different batches for one view and number", () => {
    const cluster = new Cluster();
    cluster.crash(0);
    // The faulty primary tells replica 3 something else, and backs up both stories.
    const lie = sampleBatch(2);
    for (const to of [1, 2]) cluster.inject(0, to, prePrepare(0, 1, batch));
    cluster.inject(0, 3, prePrepare(0, 1, lie));
    const prepared = new Map<number, Uint8Array>();
    cluster.carries = ({ from, message }) => {
      if (message.kind === "commit") prepared.set(from, message.digest);
      return true;
    };
    cluster.run();
    for (const to of [1, 2, 3]) {
      cluster.inject(0, to, prepare(0, 1, to === 3 ? lie : batch));
      cluster.run();
    }
    assert.deepEqual([...prepared.keys()].sort(), [1, 2]);
    for (const digest of prepared.values()) assert.deepEqual(digest, batch.digest);
  });
});

describe("4.2: commit", () => {
  test("a replica that is prepared tells all others", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(0, prePrepare(0, 1, batch));
    lone.receive(1, prepare(0, 1, batch));
    const send = ofKind(lone.take(), "send").find(({ message }) => message.kind === "commit");
    assert(send !== undefined);
    assert.deepEqual(send.to, { kind: "others" });
    assert.deepEqual(send.message, commit(0, 1, batch));
  });

  test("commits are taken in any order, before the replica is prepared too", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(1, commit(0, 1, batch));
    lone.receive(3, commit(0, 1, batch));
    lone.receive(0, prePrepare(0, 1, batch));
    lone.receive(3, prepare(0, 1, batch));
    lone.durable(2);
    assert.equal(single(ofKind(lone.take(), "execute")).seq, 1);
  });

  test("committed-local needs 2f + 1 matching commits, its own may be among them", () => {
    const lone = new LoneReplica({ self: 2, replicaCount: 7 });
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [1, 3, 4]) lone.receive(replica, prepare(0, 1, batch));
    lone.durable(2);
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    lone.receive(5, commit(0, 1, sampleBatch(2)));
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
    lone.receive(4, commit(0, 1, batch));
    assert.equal(ofKind(lone.take(), "execute").length, 1);
  });

  test("what is committed at a correct replica is prepared at f + 1 correct ones", () => {
    const cluster = new Cluster();
    // Only replica 1 hears the commits.
    cluster.carries = ({ to, message }) => message.kind !== "commit" || to === 1;
    cluster.submit(requestOf());
    cluster.run();
    assert.deepEqual(
      cluster.nodes.map(({ lone }) => lone.replica.executedSeq),
      [0, 1, 0, 0],
    );
    cluster.crash(1);
    cluster.crash(0);
    cluster.restart(0);
    cluster.carries = () => true;
    cluster.submit(requestOf({ session: 2 }), [0, 2, 3]);
    cluster.tick(200);
    for (const { lone } of cluster.up) assert.equal(balanceOf(lone.ledger), 1_002n);
  });

  test("execution follows the numbers, so that all correct replicas agree on the order", () => {
    const lone = new LoneReplica({ self: 2 });
    const second = sampleBatch(2);
    lone.receive(0, prePrepare(0, 2, second));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 2, second));
    assert.deepEqual(ofKind(lone.take(), "execute"), []);
    lone.receive(0, prePrepare(0, 1, batch));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, batch));
    assert.deepEqual(
      ofKind(lone.answer(), "execute").map(({ seq }) => seq),
      [1, 2],
    );
  });

  test("a request that is older than the last reply to its client is discarded", () => {
    const lone = new LoneReplica({ self: 2 });
    const newer = batchOf(requestOf({ timestamp: 5 }));
    lone.receive(0, prePrepare(0, 1, newer));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, 1, newer));
    lone.answer();
    assert.equal(lone.hear(TELLER, requestOf({ timestamp: 4 })), "request/stale");
    assert.deepEqual(lone.take(), []);
  });
});

describe("5.1 and 5.2: what goes on the wire", () => {
  test("reads are answered from what is executed, by each replica alone", () => {
    const lone = new LoneReplica({ self: 2 });
    const read = {
      kind: "read",
      client: 0,
      session: 1,
      nonce: 1,
      bundle: new Uint8Array(2),
    } as const;
    lone.hear(TELLER, read);
    const [query, ...others] = lone.take();
    assert.equal(query?.kind, "query");
    assert.deepEqual(others, []);
  });

  test("requests that come while the protocol is busy are ordered together", () => {
    const lone = new LoneReplica({ self: 0, batchesInFlightMax: 1 });
    for (const session of [1, 2, 3]) lone.hear(TELLER, requestOf({ session }));
    assert.equal(sentOf(lone.take(), "pre-prepare").length, 1);
  });
});
