import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { followLoop } from "../../../src/io/follow-loop.js";

test("hears of every turn of the loop, makes none, and of no more once that is ended", async () => {
  let count = 0;
  const end = followLoop(() => {
    count += 1;
  });
  for (let turn = 1; turn <= 5; turn += 1) {
    await nextTurn();
    assert.equal(count, turn);
  }
  await delay(20);
  // A loop that is kept busy turns a thousand times in that time.
  assert(count < 50);
  end();
  const before = count;
  await nextTurn();
  await nextTurn();
  assert.equal(count, before);
});
