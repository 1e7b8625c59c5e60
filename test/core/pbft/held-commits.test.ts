import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Batch } from "../../../src/core/message.js";
import {
  backup,
  decide,
  depositsOf,
  isAnswered,
  isPEntry,
  prepareAt,
  SESSIONS,
} from "./answered-batch.js";
import {
  commit,
  prepare,
  prePrepare,
  readOf,
  requestOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** Both batches are accepted, and then both are prepared. */
function prepareTogether(lone: LoneReplica, first: Batch, second: Batch): void {
  for (const [index, batch] of [first, second].entries()) {
    lone.receive(0, prePrepare(0, 2 + index, batch));
  }
  for (const [index, batch] of [first, second].entries()) {
    lone.receive(1, prepare(0, 2 + index, batch));
  }
  assert.deepEqual(sentOf(lone.take(), "commit"), []);
}

describe("the COMMIT of an answered batch", () => {
  test("leaves with the vote for the next one, once that is durable", () => {
    const lone = backup();
    const [first, second] = [depositsOf(1), depositsOf(2)];
    assert.deepEqual(sentOf(prepareAt(lone, 2, first), "commit"), []);
    lone.receive(0, prePrepare(0, 3, second));
    const effects = lone.take();
    const sent = ofKind(effects, "send");
    assert.deepEqual(
      sent.map(({ message }) => message),
      [commit(0, 2, first), prepare(0, 3, second)],
    );
    assert.equal(sent[0]?.after, sent[1]?.after, "in one datagram");
  });

  test("leaves with the order for the next one, where we lead", () => {
    const lone = new LoneReplica(
      { self: 1, tentativeReplies: true },
      { records: [], storedSeq: 0, sessions: SESSIONS, evictedThrough: [], rejoinNonce: null },
    );
    const votes = [0, 2, 3].map((id) => viewChangeOf(id, 1));
    for (const vote of votes) lone.receive(vote.replica, vote);
    lone.answer();
    assert.equal(lone.replica.active, true);
    lone.hear(TELLER, requestOf({ session: 1, timestamp: 2 }));
    const order = single(sentOf(lone.answer(), "pre-prepare"));
    for (const from of [0, 2]) lone.receive(from, prepare(1, order.seq, order.batch));
    assert.equal(isAnswered(lone.take()), true);
    lone.hear(TELLER, requestOf({ session: 1, timestamp: 3 }));
    const kinds = ofKind(lone.answer(), "send").map(({ message }) => message.kind);
    assert.deepEqual(kinds, ["commit", "pre-prepare"]);
  });

  test("leaves by itself after some ticks, and nobody asks for it before (RT1)", () => {
    const lone = backup({ stalledStatusTicks: 6, viewChangeTicks: 20, idleStatusTicks: 50 });
    lone.tick(20);
    lone.take();
    prepareAt(lone, 2, depositsOf(1));
    lone.tick(2);
    assert.deepEqual(ofKind(lone.take(), "send"), []);
    lone.tick();
    const effects = lone.take();
    assert.equal(sentOf(effects, "commit").length, 1);
    assert.deepEqual(sentOf(effects, "status"), []);
    lone.tick(6);
    assert.equal(
      sentOf(lone.take(), "status").length,
      1,
      "what it was to bring about did not come",
    );
  });

  test("leaves at once when so many batches are in flight that the primary waits", () => {
    const lone = backup({ batchesInFlightMax: 2 });
    assert.deepEqual(sentOf(prepareAt(lone, 2, depositsOf(1)), "commit"), []);
    assert.equal(sentOf(prepareAt(lone, 3, depositsOf(2)), "commit").length, 2);
  });

  test("leaves when the others decide without it: they may be one short", () => {
    const lone = backup();
    const batch = depositsOf(1);
    const effects = prepareAt(lone, 2, batch);
    lone.durable(single(ofKind(effects, "append").filter(isPEntry)).id);
    for (const from of [0, 1]) lone.receive(from, commit(0, 2, batch));
    assert.equal(sentOf(lone.take(), "commit").length, 1);
  });

  test("leaves when others did not hold theirs for that batch: they may wait for it", () => {
    const lone = backup();
    const batch = depositsOf(1);
    for (const from of [0, 3]) lone.receive(from, commit(0, 1, batch));
    prepareAt(lone, 2, batch);
    lone.receive(0, commit(0, 2, batch));
    assert.deepEqual(sentOf(lone.take(), "commit"), []);
    lone.receive(3, commit(0, 2, batch));
    assert.equal(sentOf(lone.take(), "commit").length, 1);
  });

  test("waits for the order that may follow another's COMMIT", () => {
    const lone = backup();
    const [first, second] = [depositsOf(1), depositsOf(2)];
    prepareAt(lone, 2, first);
    lone.receive(0, commit(0, 2, first));
    lone.receive(0, prePrepare(0, 3, second));
    const sent = ofKind(lone.take(), "send");
    assert.equal(sent.length, 2);
    assert.equal(sent[0]?.after, sent[1]?.after, "in one datagram");
  });

  test("waits for the order that may follow another's COMMITs for two batches", () => {
    const lone = backup();
    const [first, second, third] = [depositsOf(1), depositsOf(2), depositsOf(3)];
    prepareTogether(lone, first, second);
    lone.receive(0, commit(0, 2, first));
    lone.receive(0, commit(0, 3, second));
    lone.receive(0, prePrepare(0, 4, third));
    const sent = ofKind(lone.take(), "send");
    assert.deepEqual(
      sent.map(({ message }) => message.kind),
      ["commit", "commit", "prepare"],
    );
    assert.equal(new Set(sent.map(({ after }) => after)).size, 1, "in one datagram");
  });

  test("leaves when another's COMMITs come again: they are no row", () => {
    const lone = backup();
    const [first, second] = [depositsOf(1), depositsOf(2)];
    prepareTogether(lone, first, second);
    lone.receive(0, commit(0, 2, first));
    lone.receive(0, commit(0, 3, second));
    lone.receive(0, commit(0, 2, first));
    assert.equal(sentOf(lone.take(), "commit").length, 2);
  });

  test("stays when an earlier batch is decided for which ours has left", () => {
    const lone = backup();
    const [first, second] = [depositsOf(1), depositsOf(2)];
    const effects = prepareAt(lone, 2, first);
    lone.durable(single(ofKind(effects, "append").filter(isPEntry)).id);
    assert.equal(sentOf(prepareAt(lone, 3, second), "commit").length, 1, "that for batch 2");
    for (const from of [0, 1]) lone.receive(from, commit(0, 2, first));
    assert.deepEqual(sentOf(lone.take(), "commit"), []);
    for (const from of [0, 1]) lone.receive(from, commit(0, 3, second));
    assert.equal(sentOf(lone.answer(), "commit").length, 1);
  });

  test("leaves at once while reads follow writes", () => {
    const lone = backup();
    const [first, second] = [depositsOf(1), depositsOf(2)];
    prepareAt(lone, 2, first);
    lone.hear(TELLER, readOf());
    decide(lone, 2, first);
    const effects = prepareAt(lone, 3, second);
    assert.equal(isAnswered(effects), true);
    assert.equal(sentOf(effects, "commit").length, 1);
  });

  test("leaves before the view does", () => {
    const lone = backup();
    prepareAt(lone, 2, depositsOf(1));
    lone.receive(1, viewChangeOf(1, 1));
    lone.receive(3, viewChangeOf(3, 1));
    const kinds = ofKind(lone.answer(), "send").map(({ message }) => message.kind);
    assert.deepEqual(kinds, ["commit", "view-change"]);
  });
});
