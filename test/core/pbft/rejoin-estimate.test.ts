import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { quorumsOf } from "../../../src/core/base/quorum.js";
import { RejoinEstimate } from "../../../src/core/pbft/rejoin-estimate.js";

/** Where a replica says it is: view, executed, prepared. */
type Place = readonly [view: number, executed: number, prepared: number];

const NONCE = 1;

/** An estimate with K = 4 and L = 8. */
function estimateOf(replicaCount: number): RejoinEstimate {
  const quorums = quorumsOf(replicaCount);
  return new RejoinEstimate({ quorums, checkpointIntervalSlots: 4, windowSlots: 8 });
}

function tell(estimate: RejoinEstimate, from: number, place: Place): void {
  const [view, executedSeq, preparedSeq] = place;
  const kind = "rejoin-answer";
  estimate.answered(from, { kind, nonce: NONCE, view, executedSeq, preparedSeq });
}

/** The bounds that follow when others answer in this order, from replica 1 on. */
function boundsOf(replicaCount: number, ...places: readonly Place[]) {
  const estimate = estimateOf(replicaCount);
  for (const [index, place] of places.entries()) tell(estimate, index + 1, place);
  return estimate.bounds();
}

describe("what a replica may have voted for (PR3, PR4)", () => {
  test("is not known before Q others have answered", () => {
    assert.equal(boundsOf(4, [0, 6, 6], [0, 6, 6]), null);
    assert.equal(boundsOf(7, [0, 6, 6], [0, 6, 6], [0, 6, 6], [0, 6, 6]), null);
  });

  test("is a window past the last checkpoint that Q others may have executed", () => {
    assert.deepEqual(boundsOf(4, [0, 6, 6], [0, 6, 6], [0, 6, 6]), { seq: 12, view: 1 });
    assert.deepEqual(boundsOf(4, [0, 0, 0], [0, 0, 0], [0, 0, 0]), { seq: 8, view: 1 });
    assert.deepEqual(boundsOf(4, [0, 8, 8], [0, 8, 9], [0, 9, 9]), { seq: 16, view: 1 });
  });

  test("takes the highest of Q answers: any two quorums meet in a replica that remembers", () => {
    // Replica 3 alone of the others was at the stable checkpoint 8 with this replica and a liar.
    assert.deepEqual(boundsOf(4, [0, 4, 8], [0, 5, 8], [3, 8, 8]), null, "no other is near 3");
    assert.deepEqual(boundsOf(4, [0, 4, 8], [2, 5, 8], [3, 8, 8]), { seq: 16, view: 4 });
  });

  test("waits until W have prepared that much, so that one liar cannot inflate it", () => {
    const estimate = estimateOf(7);
    for (const from of [1, 2, 3, 4]) tell(estimate, from, [0, 6, 6]);
    tell(estimate, 5, [0, 1_000_000, 1_000_000]);
    assert.equal(estimate.bounds(), null, "W must have prepared it");
    tell(estimate, 6, [0, 5, 6]);
    assert.deepEqual(estimate.bounds(), { seq: 12, view: 2 }, "the fifth of six is 6");
  });

  test("waits for a view that W are near, so that one liar cannot inflate it", () => {
    const estimate = estimateOf(7);
    for (const from of [1, 2, 3, 4]) tell(estimate, from, [5, 6, 6]);
    tell(estimate, 5, [1_000_000, 6, 6]);
    assert.equal(estimate.bounds(), null);
    tell(estimate, 6, [6, 6, 6]);
    assert.deepEqual(estimate.bounds(), { seq: 12, view: 8 });
  });

  test("is drawn from the first answers and made credible by the last", () => {
    const estimate = estimateOf(4);
    tell(estimate, 1, [0, 9, 9]);
    tell(estimate, 2, [0, 3, 3]);
    tell(estimate, 3, [0, 3, 3]);
    assert.equal(estimate.bounds(), null, "one alone says that 9 prepared");
    tell(estimate, 2, [0, 11, 12]);
    assert.deepEqual(estimate.bounds(), { seq: 16, view: 1 });
    assert.equal(estimate.answerCount, 3, "a replica counts once");
  });

  test("is never below a former watermark or view, whoever lies or lags", () => {
    // n = 7: this replica and one liar make f. The liar answers among the first Q, as low as it
    // can; of the five that remember, three made the checkpoint and the view change with us, and
    // two of them are among the first Q.
    const [stable, view] = [12, 3];
    const rememberers: readonly Place[] = [
      [view, stable, stable],
      [view, stable, stable],
      [0, 2, 2],
      [0, 2, 2],
    ];
    const bounds = boundsOf(7, [0, 0, 0], ...rememberers);
    assert.equal(bounds, null, "W must have prepared 12");
    const whole = boundsOf(7, [0, 0, 0], ...rememberers, [view, stable, stable]);
    assert(whole !== null && whole.seq >= stable + 8 && whole.view >= view + 1);
  });
});
