/*
 * The attack rows A9 to A17 of the matrix (MATRIX.md): what Byzantine replicas do to views,
 * checkpoints, state and replies.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SECOND } from "../scheduler.js";
import type { Stage } from "../simulation.js";
import { backups, everywhere, liars, perform } from "./directed.js";
import { mustBeHarmless, SLACK, TIMEOUT } from "./expectations.js";

/** Cuts off all that primary 0 says for a while, so that it is voted out. */
function overthrow({ world, troupe }: Stage): void {
  world.scheduler.after(SECOND, () => {
    for (const { id } of troupe.machines) if (id !== 0) world.network.cut("r0", `r${id}`);
  });
  world.scheduler.after(4 * SECOND, () => {
    world.network.mend();
  });
}

describe("what Byzantine replicas do to views, state and replies", () => {
  test("A9 votes for views lie about what was prepared: the view changes, once or twice", () => {
    everywhere(({ seed, n, f }) => {
      const lies = [
        ...(["hiddenPrepared", "inventedPrepared", "raisedViews", "repeatedEntries"] as const),
        ...(["twoFacedVotes", "inventedCheckpoints"] as const),
      ];
      for (const lie of lies) {
        const byzantine = liars(backups(n, f), lie);
        const run = perform(seed, { replicaCount: n, byzantine, script: overthrow });
        assert(run.viewChanges >= 1 && run.viewChanges <= f + 1, `${lie}: view ${run.viewChanges}`);
        assert(run.goodput(4) > 0, `${lie}: service is back`);
      }
    });
  });

  test("A10 a NEW-VIEW is wrong, for some, or never comes: the next view, in twice that", () => {
    everywhere(({ seed, n }) => {
      for (const strategy of ["badNewViews", "stuffedNewViews", "keptNewViews"] as const) {
        const byzantine = liars([1], strategy);
        const run = perform(seed, { replicaCount: n, byzantine, script: overthrow, seconds: 9 });
        // Who got the right one passes it on to those who got another or none.
        const least = strategy === "badNewViews" ? 1 : 2;
        assert(run.viewChanges >= least && run.viewChanges <= 2, strategy);
        assert(run.outage() <= 3 * TIMEOUT + SLACK, `${strategy}: ${run.outage()} s`);
      }
    });
  });

  test("A11 old votes, orders and announcements come again: no view goes back", () => {
    everywhere(({ seed, n, f }) => {
      const byzantine = liars(backups(n, f), "replays", "oldViews");
      const network = { replayShare: 0.1 };
      const run = perform(seed, { replicaCount: n, byzantine, network, script: overthrow });
      assert.equal(run.viewChanges, 1);
      assert(run.goodput(4) > 0);
    });
  });

  test("A12 f replicas vote for view after view: no view changes", () => {
    mustBeHarmless(["viewChangeSpam", "farNewViews"]);
  });

  test("A13 checkpoints are false, stale or to come: the true ones become stable", () => {
    everywhere(({ seed, n, f }) => {
      for (const strategy of ["falseCheckpoints", "staleCheckpoints"] as const) {
        const run = perform(seed, { replicaCount: n, byzantine: liars(backups(n, f), strategy) });
        assert.equal(run.viewChanges, 0, strategy);
        assert(run.stableSeq >= 64, `${strategy}: stable at ${run.stableSeq}`);
      }
    });
  });

  test("A14 donors of state lie: another one is asked, and the state is the right one", () => {
    everywhere(({ seed, n, f }) => {
      const lies = [
        ...(["falseState", "withheldPages", "endlessState"] as const),
        ...(["swappedPieces", "slowDonor"] as const),
      ];
      for (const lie of lies) {
        const script = ({ world, troupe }: Stage): void => {
          world.scheduler.after(SECOND, () => troupe.machines[n - 1]?.stop());
          world.scheduler.after(4 * SECOND, () => troupe.machines[n - 1]?.start());
        };
        const byzantine = liars(
          Array.from({ length: f }, (_, index) => index + 1),
          lie,
        );
        const protocol = { checkpointIntervalSlots: 4, windowSlots: 8 };
        // The absent one counts against f: so much of the time only Q others are there.
        const run = perform(seed, { replicaCount: n, byzantine, protocol, script, seconds: 8 });
        assert(run.installedAt !== null, `${lie}: state was fetched`);
        const seconds = run.installedAt / SECOND - 4;
        assert(seconds <= 3, `${lie}: ${seconds} s until the state was there`);
      }
    });
  });

  test("A15 decisions are forged: W vouchers are needed, so nobody believes them", () => {
    mustBeHarmless(["unaskedDecisions", "falseDecisions", "plantedBodies"]);
  });

  test("A16 reads are answered with lies: what differs is ordered, nothing stale is taken", () => {
    everywhere(({ seed, n, f }) => {
      for (const lie of ["lyingReplies", "staleReads", "mixedReplies"] as const) {
        const clients = { clientCount: 4, accountCount: 1, readShare: 0.5 };
        const run = perform(seed, {
          replicaCount: n,
          clients,
          byzantine: liars(backups(n, f), lie),
        });
        assert.equal(run.viewChanges, 0, lie);
        assert(run.answered("read-only") > 0, `${lie}: reads go on`);
        assert(run.answered("ordered-after-read-only") > 0, `${lie}: some are ordered`);
      }
    });
  });

  test("A17 f replicas ask for everything all the time: what they get is bounded", () => {
    mustBeHarmless(["flood", "needyStatuses", "falseStatuses"]);
  });
});
