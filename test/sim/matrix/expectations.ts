import assert from "node:assert/strict";
import type { SimOptions } from "../options.js";
import { backups, everywhere, liars, perform } from "./directed.js";

/** Names one way to break the rules. */
export type StrategyName = SimOptions["byzantine"][number]["strategies"][number];

/** T of the default settings, in seconds. */
export const TIMEOUT = 0.8;

/** What the rules allow on top, in seconds (F3). */
export const SLACK = 1;

/**
 * Least share of the goodput without an attack that counts as unaffected: without the votes of f
 * replicas the slowest of the others is waited for.
 */
const UNAFFECTED = 0.8;

/** Backups that do all of that, one after the other: nobody may notice. */
export function mustBeHarmless(strategies: readonly StrategyName[]): void {
  everywhere(({ seed, n, f }) => {
    const peaceful = perform(seed, { replicaCount: n }).goodput();
    for (const strategy of strategies) {
      const byzantine = liars(backups(n, f), strategy);
      const run = perform(seed, { replicaCount: n, byzantine });
      assert.equal(run.viewChanges, 0, strategy);
      const share = run.goodput() / peaceful;
      assert(share >= UNAFFECTED, `${strategy}: ${share} of the goodput without it`);
    }
  });
}
