import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeSet } from "../../../src/core/paging/change-set.js";

test("a change set returns each member once, ascending, and is empty then", () => {
  const set = new ChangeSet();
  const added = [31, 0, 5_000, 32, 31, 63, 0, 1_000_000, 64, 4_095, 127];
  for (const index of added) set.add(index);
  const expected = [...new Set(added)].sort((left, right) => left - right);
  assert.deepEqual(taken(set, 1_000), expected);
  assert.deepEqual(taken(set, 1_000), []);
  set.add(1_000_000);
  assert.deepEqual(taken(set, 1_000), [1_000_000]);
});

test("a change set holds every number of a full range, and gives it piece by piece", () => {
  for (const sizeMin of [1, 7, 32, 100, 999, 1_000, 5_000]) {
    const set = new ChangeSet();
    for (let index = 999; index >= 0; index -= 1) set.add(index);
    const pieces = [...set.take(sizeMin)];
    assert.deepEqual(
      pieces.flatMap((piece) => [...piece]),
      Array.from({ length: 1_000 }, (_, index) => index),
    );
    for (const { length } of pieces) assert(length < sizeMin + 32);
    for (const { length } of pieces.slice(0, -1)) assert(length >= sizeMin);
  }
});

function taken(set: ChangeSet, sizeMin: number): number[] {
  return [...set.take(sizeMin)].flatMap((piece) => [...piece]);
}
