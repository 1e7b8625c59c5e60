import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { everywhere, perform } from "./matrix/directed.js";
import { SECOND } from "./scheduler.js";
import type { Stage } from "./simulation.js";

describe("a fetched state that takes longer to read in than any timer runs (ST4, VT6)", () => {
  test("makes nobody leave the view", () => {
    everywhere(({ seed, n }) => {
      const script = ({ world, troupe }: Stage): void => {
        world.scheduler.after(SECOND, () => troupe.machines[n - 1]?.stop());
        world.scheduler.after(3 * SECOND, () => troupe.machines[n - 1]?.start());
      };
      const protocol = { checkpointIntervalSlots: 4, windowSlots: 8 };
      const mishaps = { readingMax: 40 * SECOND };
      const run = perform(seed, { replicaCount: n, protocol, mishaps, script, seconds: 45 });
      assert(run.installedAt !== null, "state was fetched");
      assert.equal(run.votedView, 0);
    });
  });
});
