/*
 * A batch's digest does not cover its requests' signatures, and BATCH-BODY and DECISION are not
 * verified. So a body with the right digest may hold signatures that convince nobody.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Batch, Request } from "../../../src/core/message.js";
import {
  batchOf,
  entry,
  newViewOf,
  prePrepare,
  requestOf,
  statusOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { Cluster, type Packet } from "./cluster.js";
import { LoneReplica, sentOf, single } from "./lone-replica.js";

/** The same request, hence the same digest, with a signature that is nobody's. */
function spoilt(request: Request): Request {
  const bytes = request.bytes.slice();
  bytes.fill(0xee, bytes.length - 64);
  return { ...request, bytes };
}

function spoiltBatch(batch: Batch): Batch {
  return { ...batch, requests: batch.requests.map(spoilt) };
}

/** What the ingress of a backup says whose MACs are not right: the signature decides. */
function isRefused({ message }: Packet): boolean {
  if (message.kind !== "pre-prepare") return false;
  return message.batch.requests.some(({ bytes }) => bytes.at(-1) !== 0);
}

const request = requestOf();
const batch = batchOf(request);

describe("a body with spoilt signatures under the right digest", () => {
  test("that one liar vouched for is not what a primary sends again", () => {
    const lone = new LoneReplica({ self: 0 });
    lone.receive(3, { kind: "decision", seq: 1, batch: spoiltBatch(batch) });
    lone.hear(TELLER, request);
    const order = single(sentOf(lone.take(), "pre-prepare"));
    assert.deepEqual(order.batch.requests[0]?.bytes, request.bytes);
    lone.receive(2, statusOf());
    const again = single(sentOf(lone.take(), "pre-prepare"));
    assert.deepEqual(again.batch.requests[0]?.bytes, request.bytes, "verifiable by all");
  });

  test("that this replica took on its MAC as a backup is not what it sends as primary", () => {
    const lone = new LoneReplica({ self: 1 });
    // The faulty primary of view 0 and the client: a MAC for replica 1 and no signature.
    lone.receive(0, prePrepare(0, 1, spoiltBatch(batch)));
    lone.hear(TELLER, request);
    lone.answer();
    for (const id of [2, 3]) lone.receive(id, viewChangeOf(id, 1));
    const [order] = sentOf(lone.answer(), "pre-prepare");
    assert(order !== undefined && lone.replica.view === 1 && lone.replica.active);
    assert.deepEqual([order.view, order.seq], [1, 1]);
    assert.deepEqual(order.batch.requests[0]?.bytes, request.bytes);
    lone.tick(2);
    lone.take();
    lone.receive(3, statusOf({ view: 1 }));
    const again = single(sentOf(lone.take(), "pre-prepare"));
    assert.deepEqual(again.batch.requests[0]?.bytes, request.bytes, "verifiable by all");
  });

  test("that one replica vouched for does not keep the chosen batch from being accepted", () => {
    const lone = new LoneReplica({ self: 3 });
    const prepared = [entry(1, batch.digest, 0)];
    const votes = [
      viewChangeOf(0, 1),
      viewChangeOf(1, 1, { prepared, prePrepared: prepared }),
      viewChangeOf(2, 1, { prepared, prePrepared: prepared }),
    ];
    lone.receive(1, newViewOf(1, votes, { chosen: [{ seq: 1, digest: batch.digest }] }));
    lone.answer();
    lone.receive(0, { kind: "decision", seq: 1, batch: spoiltBatch(batch) });
    assert.equal(sentOf(lone.answer(), "prepare").length, 1);
  });

  /**
   * Replica 3 is faulty: at first it plants a body, then it is silent. Of each view's orders the
   * first copy to one backup is lost, or comes before that one has installed the view.
   * @returns the highest view, and the batches executed at replica 0, after 400 ticks.
   */
  function attacked(plants: boolean): { view: number; executed: number } {
    const cluster = new Cluster();
    const seen = new Set<string>();
    cluster.carries = (packet) => {
      const { from, to, message } = packet;
      if (from === 3 || to === 3 || isRefused(packet)) return false;
      if (message.kind !== "pre-prepare") return true;
      const key = `${message.view}`;
      const isFirst = !seen.has(key);
      seen.add(key);
      return !isFirst;
    };
    if (plants) {
      for (const to of [0, 1, 2]) {
        for (let seq = 1; seq <= 8; seq += 1) {
          cluster.inject(3, to, { kind: "decision", seq, batch: spoiltBatch(batch) });
        }
      }
    }
    cluster.submit(request, [0, 1, 2]);
    cluster.run();
    cluster.tick(400);
    const { view, executedSeq: executed } = cluster.node(0).lone.replica;
    return { view, executed };
  }

  test("one lost order is sent again and accepted, nobody planting anything", () => {
    assert.deepEqual(attacked(false), { view: 0, executed: 1 });
  });

  test("one lost order is sent again and accepted, whatever a liar planted", () => {
    assert.deepEqual(attacked(true), { view: 0, executed: 1 });
  });

  /**
   * Replica 0 leads view 0 and is faulty, a client is with it: replicas 1 and 2 get a request on
   * their MACs, without a signature, and commit it; replica 3 hears nothing until view 1 is there.
   * @returns the view in which replica 3 executes.
   */
  function carriedOver(vouches: boolean): { view: number; executed: number } {
    const cluster = new Cluster();
    const behind = cluster.node(3).lone.replica;
    let isBack = false;
    const order = prePrepare(0, 1, spoiltBatch(batch));
    cluster.carries = (packet) => {
      const { from, to, message } = packet;
      if (from === 0 || to === 0 || isRefused(packet)) return false;
      const reaches3 = message.kind === "view-change" || message.kind === "new-view";
      return to !== 3 || reaches3 || isBack;
    };
    for (const to of [1, 2]) cluster.inject(0, to, order);
    cluster.submit(request, [1, 2, 3]);
    for (let tick = 0; tick < 300 && (behind.view === 0 || !behind.active); tick += 1)
      cluster.tick();
    isBack = true;
    if (vouches) cluster.inject(0, 3, { kind: "decision", seq: 1, batch });
    for (let tick = 0; tick < 300 && behind.executedSeq === 0; tick += 1) cluster.tick();
    return { view: behind.view, executed: behind.executedSeq };
  }

  test("a correct primary's view carries over what one replica lacks, nobody vouching", () => {
    assert.deepEqual(carriedOver(false), { view: 1, executed: 1 });
  });

  test("a correct primary's view carries it over, whoever vouched for it alone", () => {
    assert.deepEqual(carriedOver(true), { view: 1, executed: 1 });
  });
});
