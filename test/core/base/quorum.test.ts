import assert from "node:assert/strict";
import { test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import { primaryOf } from "../../../src/core/base/ids.js";
import { quorumsOf, REPLICAS_MAX, REPLICAS_MIN } from "../../../src/core/base/quorum.js";

test("the quorums of every size are what safety and liveness ask for, and no larger", () => {
  for (let n = REPLICAS_MIN; n <= REPLICAS_MAX; n += 1) {
    const { replicaCount, faultsMax: f, strong, weak } = quorumsOf(n);
    assert.equal(replicaCount, n);
    assert(3 * f < n && 3 * (f + 1) >= n, "f is as large as n allows");
    assert(2 * strong - n >= f + 1, "two strong quorums meet in a correct replica");
    assert(2 * (strong - 1) - n < f + 1, "one vote less would not do");
    assert(strong <= n - f, "the correct replicas alone are a strong quorum");
    assert.equal(weak, f + 1, "a weak quorum holds a correct replica");
  }
});

test("sizes that are published are met; Q is 2f + 1 only where n is 3f + 1", () => {
  const table = [4, 5, 6, 7, 8, 9, 10, 31].map((n) => {
    const { faultsMax, strong, weak } = quorumsOf(n);
    return [n, faultsMax, strong, weak];
  });
  assert.deepEqual(table, [
    [4, 1, 3, 2],
    [5, 1, 4, 2],
    [6, 1, 4, 2],
    [7, 2, 5, 3],
    [8, 2, 6, 3],
    [9, 2, 6, 3],
    [10, 3, 7, 4],
    [31, 10, 21, 11],
  ]);
});

test("no other number of replicas makes a cluster", () => {
  for (const n of [0, 1, 3, 32, 4.5, Number.NaN]) {
    assert.throws(() => quorumsOf(n), InvariantError);
  }
});

test("every replica leads in its turn", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5].map((view) => primaryOf(view, 4)),
    [0, 1, 2, 3, 0, 1],
  );
});
