import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { AMBUSH_NAMES, type AmbushName } from "../ambushes.js";
import type { Overrides } from "../options.js";
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

/** What each ambush is made for; drawn by chance, it takes some hundred seeds. */
const AMBUSHED: readonly (readonly [ambush: AmbushName, name: string])[] = [
  ["brazenPrimary", "A1 asks for W"],
  ["nullOverCommitted", "A2 asks for one"],
  ["stuffedBallots", "Q counted by entries, not by replicas"],
  ["oneVoteManyTimes", "votes of a NEW-VIEW need not be of distinct replicas"],
  ["otherChoices", "a NEW-VIEW is not computed again"],
  ["checkpointOfNobody", "a checkpoint that one replica claims is chosen"],
  ["readsBehind", "W replies complete a write"],
  ["readsBehind", "W replies complete a read"],
  ["readsInTheDark", "reads answered at once after a restart"],
  ["poisonedPages", "fetched pages are not verified"],
];

/** This file runs as dist/test/sim/planted/plants.test.js. */
const TABLE = new URL("../../../../test/sim/planted/TABLE.md", import.meta.url);

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

/** Seeds with the plant of that name must fail, and pass without it. */
async function mustBeFound(name: string, overrides: Overrides): Promise<void> {
  const plant = PLANTS.find((one) => one.name === name);
  assert(plant !== undefined);
  const { seeds, caughtBy, accident } = await hunt(plant, { from: 1, within: WITHIN, overrides });
  assert(seeds !== null, `not within ${WITHIN} seeds`);
  assert.notEqual(caughtBy, "");
  assert.equal(accident, null);
}

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
      await mustBeFound(name, {});
    });
  }

  test("are what every ambush is made for", () => {
    assert.deepEqual(new Set(AMBUSHED.map(([ambush]) => ambush)), new Set(AMBUSH_NAMES));
  });

  for (const [ambush, name] of AMBUSHED) {
    test(`are found in an ambush: ${name}`, async () => {
      await mustBeFound(name, { ambush });
    });
  }

  test("all have a row in the table of what found them", () => {
    const rows = readFileSync(TABLE, "utf8").matchAll(/^\| ([^|]+) \| [^|]+ \| \d+ \|/gm);
    const named = [...rows].map(([, name]) => name);
    assert.deepEqual(
      named,
      PLANTS.map(({ name }) => name),
    );
  });

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
