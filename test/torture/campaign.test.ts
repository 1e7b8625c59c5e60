import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { Prng } from "../sim/prng.js";
import { type CampaignOptions, type CampaignResult, runCampaign } from "./campaign.js";
import { describePlan, drawPlan, FAULT_KINDS } from "./plan.js";
import { sumOf, tallyText } from "./tally.js";
import { embeddedDatabases } from "./tortured-database.js";

async function campaign(
  context: TestContext,
  options: Pick<CampaignOptions, "cycles" | "faults" | "durability" | "patienceMs">,
): Promise<CampaignResult> {
  const dir = mkdtempSync(join(tmpdir(), "pbft-torture-test-"));
  context.after(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }));
  return runCampaign({
    ...{ seed: "test", replicaCount: 4, cyclesPerCluster: 100, dir, ...options },
    ...{ signal: context.signal, database: embeddedDatabases },
    note: (line) => context.diagnostic(line),
  });
}

describe("a campaign against real processes", () => {
  it("loses nothing when replicas are killed where they write and speak", async (context) => {
    const result = await campaign(context, {
      ...{ cycles: 3, durability: "fsync", patienceMs: 120_000 },
      faults: ["kill-at-point", "kill-all"],
    });
    assert.equal(result.violation, null);
    assert.equal(result.tally.cycles, 3);
    assert.ok(sumOf(result.tally.operations) > 0, "operations were checked");
    assert.ok(sumOf(result.tally.kills) >= 3, "processes were killed");
    assert.match(tallyText(result.tally, result.elapsedMs), /^cycles +3 on 1 clusters/);
  });

  it("finds what a cluster forgets that makes nothing durable", async (context) => {
    const result = await campaign(context, {
      ...{ cycles: 5, durability: "none", patienceMs: 20_000 },
      faults: ["kill-all"],
    });
    assert.match(result.violation ?? "", /^seed test, cycle \d: /);
    assert.ok(sumOf(result.tally.kills) >= 4, "it came up, and forgot when it was killed");
  });
});

describe("a plan", () => {
  it("is the same for the same seed, and every kind of fault is drawn", () => {
    const draw = (cycle: number): ReturnType<typeof drawPlan> =>
      drawPlan(new Prng(`seed/${cycle}`), 4, FAULT_KINDS);
    const cycles = Array.from({ length: 500 }, (_, cycle) => cycle);
    assert.deepEqual(cycles.map(draw), cycles.map(draw));
    const kinds = new Set(cycles.map((cycle) => draw(cycle).kind));
    assert.deepEqual([...kinds].sort(), [...FAULT_KINDS].sort());
    assert.match(describePlan(draw(1)), /( of \d.*)? after \d+ ms for \d+ ms, .*then \w+$/);
  });
});
