import assert from "node:assert/strict";
import { test } from "node:test";
import { processClock } from "../../../src/cli/bench/load-clock.js";

test("a sleep never ends before its time, not by a microsecond", async () => {
  const { signal } = new AbortController();
  for (let round = 0; round < 40; round += 1) {
    const until = processClock.nowMicros() + 100 * round;
    await processClock.sleepUntil(until, signal);
    assert.ok(processClock.nowMicros() >= until);
  }
});

test("an abort ends a sleep with the reason that was given", async () => {
  const controller = new AbortController();
  const sleep = processClock.sleepUntil(processClock.nowMicros() + 1e12, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(sleep, /enough/);
});
