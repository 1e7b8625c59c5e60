import assert from "node:assert/strict";
import { test } from "node:test";
import { balanceOf, requestOf } from "./builders.js";
import { Cluster } from "./cluster.js";

for (const replicaCount of [4, 7]) {
  test(`${replicaCount} replicas execute every request once and answer it alike`, () => {
    const cluster = new Cluster({ replicaCount });
    for (let session = 1; session <= 20; session += 1) {
      cluster.submit(requestOf({ session }));
      cluster.run();
    }
    assert.equal(cluster.answers.length, 20 * replicaCount);
    for (const { lone } of cluster.nodes) {
      assert.equal(balanceOf(lone.ledger), 1_020n);
      assert.equal(lone.replica.stableSeq, 20);
    }
  });
}
