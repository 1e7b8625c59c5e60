import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Seq } from "../../../src/core/base/ids.js";
import type { Batch } from "../../../src/core/message.js";
import { batchOf, commit, prePrepare, requestOf, TELLER } from "./builders.js";
import { LoneReplica } from "./lone-replica.js";

/** Far below the time after which a request alone would have the primary voted out. */
const SLOW_TICKS = 100;

/** A backup whose progress timer leaves a slow primary in peace. */
function backup(): LoneReplica {
  const settings = { viewChangeTicks: 1_000, viewChangeTicksMax: 1_000 };
  const window = { windowSlots: 64, checkpointIntervalSlots: 32 };
  return new LoneReplica({ self: 2, ...settings, ...window });
}

function decide(lone: LoneReplica, seq: Seq, batch: Batch): void {
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
  lone.answer();
}

/** The primary lets requests wait before it orders them, one after the other from `first` on. */
function dawdle(lone: LoneReplica, first: Seq, ticks: number, count = 8): void {
  for (let seq = first; seq < first + count; seq += 1) {
    const request = requestOf({ session: seq });
    lone.hear(TELLER, request);
    lone.tick(ticks);
    const batch = batchOf(request);
    lone.receive(0, prePrepare(0, seq, batch));
    decide(lone, seq, batch);
  }
}

describe("a primary that is just fast enough for the progress timer (VT7, A5)", () => {
  test("is voted out for its eighth slow batch in a row", () => {
    const lone = backup();
    dawdle(lone, 1, SLOW_TICKS, 7);
    assert.equal(lone.replica.view, 0);
    dawdle(lone, 8, SLOW_TICKS, 1);
    assert.equal(lone.replica.view, 1);
    assert.deepEqual([...lone.replica.viewChangeCounts], [["slow-primary", 1]]);
  });

  test("is left in peace while requests wait little longer than a repeated datagram", () => {
    const lone = backup();
    dawdle(lone, 1, 20, 20);
    assert.equal(lone.replica.view, 0);
  });

  test("buys no patience by leaving a batch out", () => {
    const lone = backup();
    lone.tick(100_000);
    const batch = batchOf(requestOf({ session: 1 }));
    for (const replica of [0, 1]) lone.receive(replica, { kind: "decision", seq: 1, batch });
    lone.answer();
    assert.equal(lone.replica.executedSeq, 1);
    dawdle(lone, 2, SLOW_TICKS);
    assert.equal(lone.replica.view, 1);
  });

  test("buys no patience by holding a batch back that others wait for", () => {
    const lone = backup();
    const early = batchOf(requestOf({ session: 2 }));
    lone.receive(0, prePrepare(0, 2, early));
    decide(lone, 2, early);
    lone.tick(900);
    const late = batchOf(requestOf({ session: 1 }));
    lone.receive(0, prePrepare(0, 1, late));
    decide(lone, 1, late);
    assert.equal(lone.replica.executedSeq, 2);
    dawdle(lone, 3, SLOW_TICKS);
    assert.equal(lone.replica.view, 1);
  });
});
