/*
 * The attack rows A1 to A8 of the matrix (MATRIX.md): what Byzantine replicas do to the order.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { kindsIn } from "../frame-kinds.js";
import { MS, SECOND } from "../scheduler.js";
import type { Stage } from "../simulation.js";
import { everywhere, liars, perform } from "./directed.js";
import { mustBeHarmless, SLACK, type StrategyName, TIMEOUT } from "./expectations.js";

/**
 * The first primary does that: whoever waits is served within one timeout, by it or the next one.
 * @returns how often the view changed, in all runs together.
 */
function mustBeWeathered(strategies: readonly StrategyName[]): number {
  let viewChanges = 0;
  everywhere(({ seed, n }) => {
    for (const strategy of strategies) {
      const run = perform(seed, { replicaCount: n, byzantine: liars([0], strategy) });
      assert(run.viewChanges <= 2, `${strategy}: ${run.viewChanges} view changes`);
      assert(run.outage() <= TIMEOUT + SLACK, `${strategy}: ${run.outage()} s`);
      viewChanges += run.viewChanges;
    }
  });
  return viewChanges;
}

function holdsNewView(bytes: Uint8Array): boolean {
  return kindsIn(bytes).includes("new-view");
}

describe("what Byzantine replicas do to the order of requests", () => {
  test("A1 a primary orders two things under one number: it is replaced within one timer", () => {
    // Where fewer than W replicas are shown the other batch, they are told of the decision instead.
    const strategies = ["equivocatingPrimary", "twoFacedPrimary", "doubleOrder"] as const;
    const viewChanges = mustBeWeathered([...strategies, "oddOneOut", "shiftedNumbers"]);
    assert(viewChanges > 0, "primaries were replaced");
  });

  test("A1 two of them play together: whoever waits is served all the same (f = 2)", () => {
    for (const seed of ["pair 1", "pair 2"]) {
      const byzantine = liars([0, 1], "accomplices");
      const run = perform(seed, { replicaCount: 7, byzantine });
      assert(run.outage() <= 2 * TIMEOUT + SLACK, `${run.outage()} s`);
      assert(run.viewChanges <= 3, `${run.viewChanges} view changes`);
    }
  });

  test("A2 a primary is silent: as if it had crashed", () => {
    const strategies = ["silent", "silentPrimary"] as const;
    everywhere(({ seed, n }) => {
      for (const strategy of strategies) {
        const run = perform(seed, { replicaCount: n, byzantine: liars([0], strategy) });
        assert.equal(run.viewChanges, 1, strategy);
        assert(run.outage() <= TIMEOUT + SLACK, `${strategy}: ${run.outage()} s`);
      }
    });
  });

  test("A2 a primary orders what nobody may accept, or as it likes: served all the same", () => {
    const strategies = ["forgedRequests", "oversizedBatches", "emptyBatches"] as const;
    assert(mustBeWeathered([...strategies, "frontRunning"]) > 0, "primaries were replaced");
  });

  test("A3 f replicas are left in the dark, liars do not reply: decisions are forwarded", () => {
    everywhere(({ seed, n, f }) => {
      const strategy = n === 4 ? "inDark" : "sharedDark";
      const ids = Array.from({ length: f }, (_, id) => id);
      const run = perform(seed, { replicaCount: n, byzantine: liars(ids, strategy) });
      assert.equal(run.viewChanges, 0);
      assert(run.sent("decision") > 0, "decisions are forwarded");
      assert(run.latency(0.9) <= 0.25, `${run.latency(0.9)} s for most answers`);
      assert(run.latency(1) <= TIMEOUT, `${run.latency(1)} s for an answer`);
    });
  });

  test("A4 a primary censors one client: that client waits one timeout, not longer", () => {
    everywhere(({ seed, n }) => {
      for (const strategy of ["censorship", "grudge"] as const) {
        const run = perform(seed, { replicaCount: n, byzantine: liars([0], strategy) });
        assert(run.viewChanges >= 1, strategy);
        assert(run.outage(0) <= TIMEOUT + SLACK, `${strategy}: ${run.outage(0)} s`);
      }
    });
  });

  test("A5 a primary is just fast enough: it is replaced, half the speed is back in 10 s", () => {
    everywhere(({ seed, n }) => {
      const scene = { replicaCount: n, byzantine: liars([0], "justInTime"), seconds: 15 };
      const peaceful = perform(seed, { ...scene, byzantine: [] });
      const attacked = perform(seed, scene);
      assert(attacked.viewChanges >= 1, "the primary is replaced");
      const share = attacked.goodput(10) / peaceful.goodput(10);
      assert(share >= 0.5, `${share} of the goodput without it`);
    });
  });

  test("A6 timeouts are driven up before a slow primary leads: capped, it is replaced", () => {
    everywhere(({ seed, n, turn }) => {
      const floodUntil = 8 * SECOND;
      const script = ({ world }: Stage): void => {
        const { scheduler, network } = world;
        network.interfere({
          delayOf: (_from, _to, bytes) => {
            const isHit = scheduler.now < floodUntil && holdsNewView(bytes);
            return isHit ? null : 0;
          },
        });
        scheduler.after(SECOND, () => {
          for (let id = 1; id < n; id += 1) network.cut("r0", `r${id}`);
        });
        scheduler.after(4 * SECOND, () => {
          network.mend();
        });
      };
      const byzantine = liars([(turn + 1) % n], "justInTime");
      const seconds = 30;
      const clients = { thinkMean: 150 * MS };
      const peaceful = perform(seed, { replicaCount: n, clients, seconds });
      const run = perform(seed, { replicaCount: n, clients, byzantine, script, seconds });
      assert(run.viewChanges >= 2, "timeouts were driven up");
      const share = run.goodput(22) / peaceful.goodput(22);
      assert(share >= 0.5, `${share} of the goodput without the attack`);
    });
  });

  test("A7 wrong, double, future and hasty votes: dropped, and nobody notices", () => {
    mustBeHarmless(["wrongDigests", "doubleVotes", "futureVotes", "hastyCommits", "splitVotes"]);
  });

  test("A8 the MACs to one receiver are spoilt: it follows by forwarding, in the same view", () => {
    everywhere(({ seed, n }) => {
      const run = perform(seed, { replicaCount: n, byzantine: liars([0], "badMacs") });
      assert.equal(run.viewChanges, 0);
      assert(run.sent("decision") > 0, "decisions are forwarded");
    });
  });
});
