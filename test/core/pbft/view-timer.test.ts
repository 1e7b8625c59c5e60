import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ViewTimer } from "../../../src/core/pbft/view-timer.js";

/** T is 10 ticks, and 80 at most. */
function newTimer(): ViewTimer {
  return new ViewTimer({ viewChangeTicks: 10, viewChangeTicksMax: 80 });
}

/** Batches of `view` that waited so long, one every other tick: a row of eight lasts T. */
function serve(timer: ViewTimer, view: number, waits: readonly number[]): void {
  for (const [index, ticks] of waits.entries()) timer.served(view, ticks, 2 * index);
}

const quickRow = (ticks: number): number[] => Array.from({ length: 8 }, () => ticks);

describe("T, which doubles (VT5)", () => {
  test("doubles with each view after the first that fails, up to the cap", () => {
    const timer = newTimer();
    const ticks = [0, 1, 2, 3, 4, 5, 1_000].map((view) => timer.timeoutTicks(view));
    assert.deepEqual(ticks, [10, 10, 20, 40, 80, 80, 80]);
  });

  test("stays doubled when fewer requests than a row were served", () => {
    const timer = newTimer();
    serve(timer, 4, quickRow(0).slice(1));
    assert.equal(timer.timeoutTicks(4), 80);
    timer.restart();
    serve(timer, 5, [0]);
    assert.equal(timer.timeoutTicks(5), 80, "rows do not reach across views");
  });

  test("starts anew after a row that T leaves twice the time for", () => {
    const timer = newTimer();
    serve(timer, 4, quickRow(5));
    assert.deepEqual([timer.timeoutTicks(4), timer.timeoutTicks(5)], [10, 10]);
    assert.equal(timer.timeoutTicks(6), 20);
  });

  test("is not misled by batches that waited little because the view is young", () => {
    const timer = newTimer();
    for (let now = 0; now < 10; now += 1) timer.served(2, now, now);
    assert.equal(timer.timeoutTicks(2), 20);
    timer.served(2, 10, 10);
    assert.equal(timer.timeoutTicks(2), 20, "10 of 20 is all that it may take");
  });

  test("shrinks no further than the slowest of a row allows", () => {
    const timer = newTimer();
    serve(timer, 4, [...quickRow(0).slice(1), 11]);
    assert.equal(timer.timeoutTicks(4), 40);
    serve(timer, 4, quickRow(40));
    assert.equal(timer.timeoutTicks(4), 40, "and does not grow within a view");
    assert.equal(timer.timeoutTicks(5), 80);
  });

  test("is doubled in the next view when the present one is too slow for it", () => {
    const timer = newTimer();
    serve(timer, 1, quickRow(6));
    assert.deepEqual([timer.timeoutTicks(1), timer.timeoutTicks(2)], [10, 20]);
    serve(timer, 1, quickRow(5));
    assert.deepEqual([timer.timeoutTicks(1), timer.timeoutTicks(2)], [10, 10]);
  });

  test("starts anew from a view that is no failure", () => {
    const timer = newTimer();
    timer.forgive(7);
    assert.deepEqual(
      [7, 8, 9].map((view) => timer.timeoutTicks(view)),
      [10, 10, 20],
    );
  });
});
