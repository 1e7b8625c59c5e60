import assert from "node:assert/strict";
import { test } from "node:test";
import { SharedTicker } from "../../../src/io/ticker.js";

const TICK_MS = 10;

test("all who share a ticker tick together, each until it leaves", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const ticker = new SharedTicker(TICK_MS);
  const counts = [0, 0];
  const leave = counts.map((_, index) =>
    ticker.join(() => (counts[index] = at(counts, index) + 1)),
  );
  t.mock.timers.tick(2 * TICK_MS);
  assert.deepEqual(counts, [2, 2]);
  leave[0]?.();
  leave[0]?.();
  t.mock.timers.tick(TICK_MS);
  assert.deepEqual(counts, [2, 3]);
});

test("one function that joined twice ticks twice", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const ticker = new SharedTicker(TICK_MS);
  let count = 0;
  const onTick = (): number => (count += 1);
  const leave = ticker.join(onTick);
  ticker.join(onTick);
  t.mock.timers.tick(TICK_MS);
  assert.equal(count, 2);
  leave();
  t.mock.timers.tick(TICK_MS);
  assert.equal(count, 3);
});

test("a shared ticker keeps no timer when the last one left, and starts again", (t) => {
  const setTimer = t.mock.method(globalThis, "setInterval");
  const clearTimer = t.mock.method(globalThis, "clearInterval");
  const ticker = new SharedTicker(TICK_MS);
  const first = ticker.join(() => undefined);
  const second = ticker.join(() => undefined);
  assert.equal(setTimer.mock.callCount(), 1);
  first();
  assert.equal(clearTimer.mock.callCount(), 0);
  second();
  assert.equal(clearTimer.mock.callCount(), 1);
  const third = ticker.join(() => undefined);
  assert.equal(setTimer.mock.callCount(), 2);
  third();
});

function at(counts: readonly number[], index: number): number {
  return counts[index] ?? 0;
}
