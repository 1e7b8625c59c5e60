import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  batchOf,
  commit,
  newViewOf,
  prePrepare,
  requestOf,
  TELLER,
  viewChangeOf,
} from "./builders.js";
import { LoneReplica } from "./lone-replica.js";

const VIEW = 4;
const [T, T_MAX] = [80, 640];

/** Replica 2 in a view for which T had to be doubled. */
function inLateView(): LoneReplica {
  const window = { windowSlots: 256, checkpointIntervalSlots: 128 };
  const lone = new LoneReplica({
    self: 2,
    viewChangeTicks: T,
    viewChangeTicksMax: T_MAX,
    ...window,
  });
  const votes = [0, 1, 3].map((replica) => viewChangeOf(replica, VIEW));
  for (const vote of votes) lone.receive(vote.replica, vote);
  lone.answer();
  lone.receive(0, newViewOf(VIEW, votes));
  lone.answer();
  assert(lone.replica.active && lone.replica.view === VIEW);
  return lone;
}

/** Has a batch accepted, and decided so many ticks later; known here first if `isKnown`. */
function agree(lone: LoneReplica, seq: number, ticks: number, isKnown = true): void {
  const request = requestOf({ session: seq });
  if (isKnown) lone.hear(TELLER, request);
  const batch = batchOf(request);
  lone.receive(0, prePrepare(VIEW, seq, batch));
  lone.tick(ticks);
  for (const replica of [0, 1, 3]) lone.receive(replica, commit(VIEW, seq, batch));
}

/** How long the next request is waited for. */
function patience(lone: LoneReplica): number {
  lone.hear(TELLER, requestOf({ session: 99 }));
  for (let tick = 1; tick <= T_MAX; tick += 1) {
    lone.tick();
    if (lone.replica.view !== VIEW) return tick;
  }
  return Infinity;
}

describe("what shows that T may shrink (VT5)", () => {
  test("is a row of batches that are decided in time, for as long as T", () => {
    const lone = inLateView();
    for (let seq = 1; seq <= 9; seq += 1) {
      agree(lone, seq, 10);
      lone.answer();
    }
    assert.equal(patience(lone), T);
  });

  test("is no row that only our own execution draws out", () => {
    const lone = inLateView();
    for (let seq = 1; seq <= 9; seq += 1) agree(lone, seq, 0);
    for (let seq = 1; seq <= 9; seq += 1) {
      lone.tick(10);
      lone.take();
      lone.answerOne();
    }
    lone.answer();
    assert.equal(patience(lone), T_MAX);
  });

  test("is no row of batches that took long, though their requests are not known", () => {
    const lone = inLateView();
    for (let seq = 1; seq <= 9; seq += 1) {
      agree(lone, seq, T_MAX / 2 + 1, false);
      lone.answer();
    }
    assert.equal(patience(lone), T_MAX);
  });
});
