import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { StatePart, type StateFetch } from "../../../src/core/message.js";
import { checkpointOf, digestOf, prePrepare, commit, batchOf, viewChangeOf } from "./builders.js";
import { LoneReplica, ofKind, sentOf, single } from "./lone-replica.js";

/** The checkpoint that all hold a certificate for, and whose state a restart took away. */
const STABLE_SEQ = 4;

/** Where the store was when the replica started again. */
const STORED_SEQ = 5;

/** Replica 2, started again beyond its stable checkpoint. */
function restarted(): LoneReplica {
  const certificate = [0, 1, 3].map((replica) => checkpointOf(replica, STABLE_SEQ, digestOf(1)));
  const records = [{ kind: "stable", seq: STABLE_SEQ, certificate } as const];
  const recovered = {
    records,
    storedSeq: STORED_SEQ,
    sessions: [],
    evictedThrough: [],
    rejoinNonce: null,
  };
  const lone = new LoneReplica({ self: 2 }, recovered);
  lone.tick();
  lone.answer();
  return lone;
}

function fetchOf(seq: number): StateFetch {
  return { kind: "state-fetch", seq, part: StatePart.summary, level: 0, index: 0 };
}

describe("a replica asked for a stable checkpoint that a restart took away (CK6)", () => {
  test("offers the state that it has", () => {
    const lone = restarted();
    assert.equal(lone.receive(3, fetchOf(STABLE_SEQ)), "state-fetch/unknown");
    const offered = single(sentOf(lone.answer(), "checkpoint"));
    assert.equal(offered.seq, STORED_SEQ);
    assert.equal(lone.receive(3, fetchOf(STORED_SEQ)), null);
    assert.equal(single(sentOf(lone.take(), "state-data")).seq, STORED_SEQ);
  });

  test("offers nothing that its store does not hold yet (CK2)", () => {
    const lone = restarted();
    lone.receive(0, prePrepare(0, STORED_SEQ + 1, batchOf()));
    for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, STORED_SEQ + 1, batchOf()));
    lone.answer();
    lone.receive(3, fetchOf(STABLE_SEQ));
    assert.deepEqual(ofKind(lone.take(), "sign"), []);
    lone.step({ kind: "stored", seq: STORED_SEQ + 1 });
    lone.tick(10);
    lone.receive(3, fetchOf(STABLE_SEQ));
    assert.equal(single(sentOf(lone.answer(), "checkpoint")).seq, STORED_SEQ + 1);
  });

  test("signs nothing about the genesis state, which votes name by another digest (I12)", () => {
    const lone = new LoneReplica({ self: 2 });
    assert.equal(lone.receive(3, fetchOf(0)), "state-fetch/unknown");
    assert.deepEqual(ofKind(lone.take(), "sign"), []);
  });

  test("offers it once in a while, however often it is asked (RT4)", () => {
    const lone = restarted();
    for (let count = 0; count < 5; count += 1) lone.receive(3, fetchOf(STABLE_SEQ));
    assert.equal(sentOf(lone.answer(), "checkpoint").length, 1);
    lone.tick(10);
    lone.receive(3, fetchOf(STABLE_SEQ));
    assert.equal(sentOf(lone.answer(), "checkpoint").length, 1);
  });

  test("keeps the last two states that it offered, and no more (I11)", () => {
    const lone = restarted();
    for (const seq of [6, 7]) {
      lone.receive(3, fetchOf(STABLE_SEQ));
      lone.receive(0, prePrepare(0, seq, batchOf()));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batchOf()));
      lone.answer();
      lone.step({ kind: "stored", seq });
      lone.tick(10);
    }
    lone.receive(3, fetchOf(STABLE_SEQ));
    lone.answer();
    const held = [5, 6, 7].filter((seq) => lone.receive(3, fetchOf(seq)) === null);
    assert.deepEqual(held, [6, 7]);
  });

  test("keeps one more for each replica that is fetching it, however it asks (ST3, I11)", () => {
    const lone = restarted();
    for (const seq of [6, 7, 8, 9, 10, 11]) {
      lone.receive(3, fetchOf(STABLE_SEQ));
      lone.receive(0, prePrepare(0, seq, batchOf()));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batchOf()));
      lone.answer();
      assert.equal(lone.receive(3, fetchOf(seq - 1)), null, "what was just offered is there");
      lone.step({ kind: "stored", seq });
      lone.answer();
      lone.tick(10);
    }
    assert(lone.replica.held.ownCheckpoints <= 5, "two offered, one held, and two of the log");
  });

  test("does not name what it offers in a vote for a view", () => {
    const lone = restarted();
    lone.receive(3, fetchOf(STABLE_SEQ));
    lone.answer();
    lone.receive(0, viewChangeOf(0, 1));
    const { message } = single(ofKind(lone.take(), "sign"));
    assert(message.kind === "view-change");
    assert.deepEqual(
      message.checkpoints.map(({ seq }) => seq),
      [STABLE_SEQ],
    );
  });

  test("gives one replica a bounded number of pieces a tick (ST6)", () => {
    const lone = restarted();
    const rejects = Array.from({ length: 40 }, () => lone.receive(3, fetchOf(STABLE_SEQ)));
    assert.equal(rejects.at(-1), "state-fetch/too-often");
    lone.tick();
    assert.equal(lone.receive(3, fetchOf(STABLE_SEQ)), "state-fetch/unknown");
  });
});

describe("a replica that lags behind", () => {
  test("fetches what W replicas vote for, a regular checkpoint or not (ST1)", () => {
    const lone = new LoneReplica({ self: 2 });
    lone.receive(3, checkpointOf(3, STORED_SEQ, digestOf(1)));
    lone.tick(20);
    assert.deepEqual(sentOf(lone.take(), "state-fetch"), []);
    lone.receive(0, checkpointOf(0, STORED_SEQ, digestOf(1)));
    lone.tick(20);
    const asked = sentOf(lone.take(), "state-fetch");
    assert.equal(asked[0]?.seq, STORED_SEQ);
  });
});
