import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { InvariantError } from "../../../src/core/base/assert.js";
import { checkOptions } from "../../../src/core/pbft/options.js";
import { requestOf, sampleOptions } from "./builders.js";
import { Cluster } from "./cluster.js";

const REPLICAS = [0, 1, 2, 3];

describe("the window", () => {
  test("ends with a checkpoint, and spans two intervals", () => {
    checkOptions(sampleOptions({ checkpointIntervalSlots: 4, windowSlots: 12 }));
    for (const windowSlots of [4, 9, 10, 11]) {
      const options = sampleOptions({ checkpointIntervalSlots: 4, windowSlots });
      assert.throws(() => {
        checkOptions(options);
      }, InvariantError);
    }
  });

  test("is left by a cluster whose votes for its first checkpoints all got lost (RS5)", () => {
    const cluster = new Cluster({ checkpointIntervalSlots: 4, windowSlots: 12 });
    cluster.carries = ({ message }) => message.kind !== "checkpoint";
    for (let timestamp = 1; timestamp <= 11; timestamp += 1) {
      cluster.submit(requestOf({ timestamp }));
      cluster.run();
    }
    for (const id of REPLICAS) cluster.crash(id);
    for (const id of REPLICAS) cluster.restart(id);
    cluster.carries = () => true;
    for (let timestamp = 12; timestamp <= 20; timestamp += 1) {
      cluster.submit(requestOf({ timestamp }), REPLICAS);
      cluster.run();
      cluster.tick(30);
    }
    for (const { lone } of cluster.nodes) assert.equal(lone.replica.executedSeq, 20);
  });
});
