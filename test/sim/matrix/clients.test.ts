/*
 * The client rows of the matrix (MATRIX.md): what any number of Byzantine clients does.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SimOptions } from "../options.js";
import { MS } from "../scheduler.js";
import { everywhere, perform, type Scene } from "./directed.js";

type ClientStrategyName = SimOptions["attackers"][number][number];

/** Byzantine clients in each run. */
const ATTACKERS = 2;

/** A steady load of so many correct clients that their goodput is not chance. */
const CLIENTS = { clientCount: 4, thinkMean: 20 * MS };

/**
 * None of these strategies changes a view, and with any of them the correct clients get on with at
 * least `share` of what they get done without it.
 */
function mustLeaveOthers(
  share: number,
  strategies: readonly ClientStrategyName[],
  protocol: Scene["protocol"] = {},
): void {
  let peaceful = 0;
  const attacked = new Map(strategies.map((strategy) => [strategy, 0]));
  everywhere(({ seed, n }) => {
    const scene = { replicaCount: n, protocol, clients: CLIENTS, seconds: 2 };
    peaceful += perform(seed, scene).goodput();
    for (const [strategy, goodput] of attacked) {
      const attackers = Array.from({ length: ATTACKERS }, () => [strategy]);
      const run = perform(seed, { ...scene, attackers });
      assert.equal(run.viewChanges, 0, strategy);
      attacked.set(strategy, goodput + run.goodput());
    }
  });
  for (const [strategy, goodput] of attacked) {
    const kept = goodput / peaceful;
    assert(kept >= share, `${strategy}: ${kept} of the goodput without it`);
  }
}

describe("what Byzantine clients do", () => {
  test("C1 signatures are bad, or MACs good for one replica: only that client is refused", () => {
    mustLeaveOthers(0.9, ["badSignatures", "macForOne"]);
  });

  test("C2 two requests have one timestamp: one is executed, and no view changes", () => {
    mustLeaveOthers(0.9, ["sameTimestamp"]);
  });

  test("C3 a write comes as a read: refused, and no account changes", () => {
    mustLeaveOthers(0.9, ["writesAsReads"]);
  });

  test("C4 floods, replays, huge timestamps, partial sends: others keep their share", () => {
    mustLeaveOthers(0.8, [
      ...(["flood", "oldRequests", "hugeTimestamps", "partialSends"] as const),
      ...(["sessionChurn", "garbage"] as const),
    ]);
  });

  test("C4 the cluster can do no more than it is asked for: each client gets its turn", () => {
    mustLeaveOthers(0.4, ["flood"], { batchesInFlightMax: 1, batchRequestsMax: 2 });
  });

  test("C4 frames of others are repeated from elsewhere: answers that go astray come again", () => {
    mustLeaveOthers(0.4, ["stolenFrames"]);
  });
});
