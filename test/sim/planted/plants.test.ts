import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SeedReport } from "../seed-worker.js";
import { runSeeds } from "../workers.js";
import { hunt } from "./hunt.js";
import { patchedModules, type Plant } from "./plant.js";
import { PLANTS } from "./plants.js";

/** Found within few seeds, in different ways; to find them all takes much longer. */
const FOUND_FAST = [
  "COMMIT before its P-entry is durable",
  "executes whatever is decided",
  "view not restored at a restart",
];

const WITHIN = 60;

/** Lets a checker fail whatever happens. */
const CANARY: Plant = {
  name: "a checker that always fails",
  rule: "none",
  edits: [
    {
      file: "test/sim/checkers/bounds.js",
      find: "if (core.slotCount > protocol.windowSlots) {",
      replace: "if (core.slotCount >= 0) {",
    },
  ],
};

/** Changes nothing that matters. */
const HARMLESS: Plant = {
  name: "a file with one more comment",
  rule: "none",
  edits: [
    {
      file: "src/core/pbft/vote-set.js",
      find: "class VoteSet {",
      replace: "class VoteSet { /* */",
    },
  ],
};

async function reportsWith(plant: Plant, count: number): Promise<SeedReport[]> {
  const reports: SeedReport[] = [];
  const more = { overrides: {}, stopsAtFailure: true, plant, settingOnly: false };
  await runSeeds({ from: 1, count, step: 1, ...more }, (report) => reports.push(report)).ended;
  return reports;
}

describe("planted bugs", () => {
  test("have names of their own, and each text to be replaced is there exactly once", () => {
    assert.equal(new Set(PLANTS.map(({ name }) => name)).size, PLANTS.length);
    for (const { setting, edits } of PLANTS) patchedModules([...(setting ?? []), ...edits]);
    assert(PLANTS.length >= 30);
  });

  for (const name of FOUND_FAST) {
    test(`are found by what they break: ${name}`, async () => {
      const plant = PLANTS.find((one) => one.name === name);
      assert(plant !== undefined);
      const { seeds, caughtBy, accident } = await hunt(plant, 1, WITHIN);
      assert(seeds !== null, `not within ${WITHIN} seeds`);
      assert.notEqual(caughtBy, "");
      assert.equal(accident, null);
    });
  }

  test("do not fail to be noticed: a run with a checker that always fails, fails", async () => {
    const [report] = await reportsWith(CANARY, 1);
    assert.equal(report?.failure?.breach, "I11 bounded memory");
  });

  test("are not seen where there is none", async () => {
    const reports = await reportsWith(HARMLESS, 3);
    assert.deepEqual(
      reports.map(({ seed, failure }) => ({ seed, failure })),
      [1, 2, 3].map((seed) => ({ seed, failure: null })),
    );
  });

  test("that no longer fit the text are refused", () => {
    const edit = { file: "src/core/pbft/vote-set.js", find: "no such text", replace: "" };
    assert.throws(() => patchedModules([edit]), /has 0 places/);
  });
});
