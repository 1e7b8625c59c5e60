/*
 * The last rows of the matrix (MATRIX.md): replicas that exist twice, and proactive recovery.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MS, SECOND } from "../scheduler.js";
import type { Stage } from "../simulation.js";
import { everywhere, perform } from "./directed.js";

/** Runs of each replica's twins, each with other partitions. */
const TURNS = 4;

describe("replicas that exist twice", () => {
  for (const n of [4, 7] as const) {
    test(`T1 twins of any replica, whoever hears whom, with and without memory: n = ${n}`, () => {
      for (let id = 0; id < n; id += 1) {
        for (let turn = 0; turn < TURNS; turn += 1) {
          const secondStartsAt = turn % 2 === 0 ? 0 : SECOND;
          const twins = { secondStartsAt, shuffleEvery: (turn < 2 ? 900 : 200) * MS };
          perform(`twins ${n} ${id} ${turn}`, {
            replicaCount: n,
            byzantine: [{ id, strategies: [], twins }],
            protocol: { viewChangeTicks: 40, checkpointIntervalSlots: 4, windowSlots: 8 },
            clients: { thinkMean: 60 * MS },
          });
        }
      }
    });
  }
});

/** Time between two recoveries, and how long a machine takes to start anew. */
const RECOVER_EVERY = 8 * SECOND;
const REBOOT = 200 * MS;

/** Least share of the goodput without recoveries: a tenth may be lost. */
const UNDER_RECOVERY = 0.9;

describe("proactive recovery", () => {
  // Keys are fixed, so none are refreshed. More than the memory is lost: the disks are new.
  test("T2 one replica after the other starts from nothing, under load: hardly felt", () => {
    everywhere(({ seed, n }) => {
      const seconds = ((n + 0.25) * RECOVER_EVERY) / SECOND;
      const peaceful = perform(seed, { replicaCount: n, seconds }).goodput();
      let recoveringMost = 0;
      const script = ({ world: { scheduler }, troupe: { machines } }: Stage): void => {
        for (const [index, machine] of machines.toReversed().entries()) {
          const when = (index + 0.25) * RECOVER_EVERY;
          scheduler.after(when, () => {
            machine.wipe();
            const recovering = machines.filter(({ isAmnesiac }) => isAmnesiac).length;
            recoveringMost = Math.max(recoveringMost, recovering);
          });
          scheduler.after(when + REBOOT, () => {
            machine.start();
          });
        }
      };
      const run = perform(seed, { replicaCount: n, seconds, script });
      const share = run.goodput() / peaceful;
      assert(share >= UNDER_RECOVERY, `${share} of the goodput`);
      assert.equal(recoveringMost, 1, "the one before votes again by then");
    });
  });
});
