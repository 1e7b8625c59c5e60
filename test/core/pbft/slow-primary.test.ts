import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Seq, Ticks } from "../../../src/core/base/ids.js";
import type { Batch } from "../../../src/core/message.js";
import { batchOf, commit, prePrepare, requestOf, statusOf, TELLER } from "./builders.js";
import { LoneReplica } from "./lone-replica.js";

/** Far below the time after which a request alone would have the primary voted out. */
const SLOW_TICKS = 300;

/** A backup whose progress timer leaves a slow primary in peace: T is 1,000 ticks. */
function backup(): LoneReplica {
  const settings = { viewChangeTicks: 1_000, viewChangeTicksMax: 1_000 };
  const window = { windowSlots: 64, checkpointIntervalSlots: 32 };
  return new LoneReplica({ self: 2, ...settings, ...window });
}

function decide(lone: LoneReplica, seq: Seq, batch: Batch): void {
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
  lone.answer();
}

/** How long a request waits before it is ordered, and then before it is decided. */
interface Delays {
  readonly order: Ticks;
  readonly decision: Ticks;
}

/** The primary serves requests one after the other from `first` on. */
function serve(lone: LoneReplica, first: Seq, { order, decision }: Delays, count = 8): void {
  for (let seq = first; seq < first + count; seq += 1) {
    const request = requestOf({ session: seq });
    lone.hear(TELLER, request);
    lone.tick(order);
    const batch = batchOf(request);
    lone.receive(0, prePrepare(0, seq, batch));
    lone.tick(decision);
    decide(lone, seq, batch);
  }
}

describe("a primary that is just fast enough for the progress timer (VT7, A5)", () => {
  test("is voted out for its eighth slow request in a row", () => {
    const lone = backup();
    serve(lone, 1, { order: SLOW_TICKS, decision: 0 }, 7);
    assert.equal(lone.replica.view, 0);
    serve(lone, 8, { order: SLOW_TICKS, decision: 0 }, 1);
    assert.equal(lone.replica.view, 1);
    assert.deepEqual([...lone.replica.viewChangeCounts], [["slow-primary", 1]]);
  });

  test("is left in peace while requests wait no longer than a quarter of T", () => {
    const lone = backup();
    serve(lone, 1, { order: 200, decision: 50 }, 20);
    assert.equal(lone.replica.view, 0);
  });

  test("buys no patience by ordering early here and late elsewhere (A6)", () => {
    const lone = backup();
    serve(lone, 1, { order: 0, decision: SLOW_TICKS }, 7);
    assert.equal(lone.replica.view, 0);
    serve(lone, 8, { order: SLOW_TICKS, decision: 0 }, 1);
    assert.equal(lone.replica.view, 1);
  });

  test("buys no patience by holding a batch back that others wait for", () => {
    const lone = backup();
    for (let seq = 1; seq < 16; seq += 2) {
      const [late, early] = [seq, seq + 1].map((session) => requestOf({ session }));
      assert(late !== undefined && early !== undefined);
      lone.hear(TELLER, early);
      lone.receive(0, prePrepare(0, seq + 1, batchOf(early)));
      decide(lone, seq + 1, batchOf(early));
      lone.tick(SLOW_TICKS);
      lone.receive(0, prePrepare(0, seq, batchOf(late)));
      decide(lone, seq, batchOf(late));
    }
    assert.equal(lone.replica.view, 1);
  });

  test("is not to blame where the others were served long ago", () => {
    const lone = backup();
    for (const replica of [1, 3]) lone.receive(replica, statusOf({ executedSeq: 60 }));
    serve(lone, 1, { order: SLOW_TICKS, decision: 0 }, 20);
    assert.equal(lone.replica.view, 0);
  });

  test("is not to blame for what waited while our own ledger rested (VT6)", () => {
    const lone = backup();
    for (let seq = 1; seq <= 20; seq += 1) {
      const request = requestOf({ session: seq });
      lone.hear(TELLER, request);
      const batch = batchOf(request);
      lone.receive(0, prePrepare(0, seq, batch));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
      lone.tick(SLOW_TICKS);
      lone.answer();
    }
    assert.equal(lone.replica.executedSeq, 20);
    assert.equal(lone.replica.view, 0);
    serve(lone, 21, { order: SLOW_TICKS, decision: 0 }, 8);
    assert.equal(lone.replica.view, 1, "what became known since counts");
  });

  test("is not forgiven what waited before our own execution did (A5)", () => {
    const lone = backup();
    for (let seq = 1; seq <= 8; seq += 1) {
      const request = requestOf({ session: seq });
      lone.hear(TELLER, request);
      lone.tick(3 * SLOW_TICKS);
      const batch = batchOf(request);
      lone.receive(0, prePrepare(0, seq, batch));
      for (const replica of [0, 1, 3]) lone.receive(replica, commit(0, seq, batch));
      lone.tick();
      lone.answer();
    }
    assert.equal(lone.replica.view, 1);
  });

  test("is not excused by its own word and one replica that it favours (A6)", () => {
    const lone = backup();
    for (const replica of [0, 1]) lone.receive(replica, statusOf({ executedSeq: 60 }));
    serve(lone, 1, { order: SLOW_TICKS, decision: 0 }, 8);
    assert.equal(lone.replica.view, 1);
  });

  test("is not to blame while the window is full and waits for the databases (VT6)", () => {
    const lone = backup();
    serve(lone, 1, { order: 0, decision: 0 }, 56);
    serve(lone, 57, { order: SLOW_TICKS, decision: 0 }, 8);
    assert.equal(lone.replica.executedSeq, 64);
    assert.equal(lone.replica.view, 0);
  });
});
