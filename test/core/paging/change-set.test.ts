import assert from "node:assert/strict";
import { test } from "node:test";
import { ChangeSet } from "../../../src/core/paging/change-set.js";

test("a change set returns each member once, ascending, and is empty then", () => {
  const set = new ChangeSet();
  const added = [31, 0, 5_000, 32, 31, 63, 0, 1_000_000, 64, 4_095, 127];
  for (const index of added) set.add(index);
  const expected = [...new Set(added)].sort((left, right) => left - right);
  assert.deepEqual([...set.take()], expected);
  assert.deepEqual([...set.take()], []);
  set.add(1_000_000);
  assert.deepEqual([...set.take()], [1_000_000]);
});

test("a change set holds every number of a full range", () => {
  const set = new ChangeSet();
  for (let index = 999; index >= 0; index -= 1) set.add(index);
  assert.deepEqual(
    [...set.take()],
    Array.from({ length: 1_000 }, (_, index) => index),
  );
});
