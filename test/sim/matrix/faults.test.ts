/*
 * The fault rows of the matrix (MATRIX.md): what breaks by itself.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MS, SECOND } from "../scheduler.js";
import type { Stage } from "../simulation.js";
import { everywhere, perform } from "./directed.js";
import { SLACK, TIMEOUT } from "./expectations.js";

/** When a fault comes. */
const WHEN = 2 * SECOND;

function stopAt(stage: Stage, time: number, ...ids: number[]): void {
  stage.world.scheduler.after(time, () => {
    for (const id of ids) stage.troupe.machines[id]?.stop();
  });
}

function startAt(stage: Stage, time: number, ...ids: number[]): void {
  stage.world.scheduler.after(time, () => {
    for (const id of ids) stage.troupe.machines[id]?.start();
  });
}

/** Cuts these replicas off from everybody else for a while, in one direction or both. */
function isolate(
  { world, troupe }: Stage,
  [from, until]: readonly [number, number],
  ids: readonly number[],
  how: "both" | "deaf" | "mute",
): void {
  const inside = ids.map((id) => `r${id}`);
  const replicas = troupe.machines
    .map(({ id }) => `r${id}`)
    .filter((host) => !inside.includes(host));
  const outside = [...replicas, ...troupe.clients.map(({ id }) => `c${id}`)];
  world.scheduler.after(from, () => {
    for (const host of outside) {
      for (const own of inside) {
        if (how !== "deaf") world.network.cut(own, host);
        if (how !== "mute") world.network.cut(host, own);
      }
    }
  });
  world.scheduler.after(until, () => {
    world.network.mend();
  });
}

describe("what breaks by itself", () => {
  test("F1 loss of 30 %, repetition and disorder: all goes on, in few views", () => {
    everywhere(({ seed, n }) => {
      const network = {
        ...{ delayMean: 20 * MS, lossShare: 0.3, duplicateShare: 0.3, replayShare: 0.05 },
      };
      const run = perform(seed, { replicaCount: n, network, seconds: 10 });
      assert(run.outage() < 4, `${run.outage()} s without an answer`);
      assert(run.viewChanges <= 4, `${run.viewChanges} view changes`);
    });
  });

  test("F2 a backup crashes: nobody notices", () => {
    everywhere(({ seed, n }) => {
      const calm = perform(seed, { replicaCount: n });
      const script = (stage: Stage): void => {
        stopAt(stage, WHEN, n - 1);
      };
      const run = perform(seed, { replicaCount: n, script });
      assert.equal(run.viewChanges, 0);
      assert(run.latency(0.99) < 2 * calm.latency(0.99));
    });
  });

  test("F3 the primary crashes: one view change, within the timeout and a second", () => {
    everywhere(({ seed, n }) => {
      const script = (stage: Stage): void => {
        stopAt(stage, WHEN, 0);
      };
      const run = perform(seed, { replicaCount: n, script });
      assert.equal(run.viewChanges, 1);
      assert(run.outage() <= TIMEOUT + SLACK, `${run.outage()} s without an answer`);
    });
  });

  test("F4 f primaries crash: f view changes, the timeout doubles", () => {
    everywhere(({ seed, n, f }) => {
      const first = Array.from({ length: f }, (_, id) => id);
      const oneByOne = perform(seed, {
        replicaCount: n,
        seconds: 9,
        script: (stage) => {
          for (const id of first) stopAt(stage, WHEN * (id + 1), id);
        },
      });
      assert.equal(oneByOne.viewChanges, f);
      assert(oneByOne.outage() <= TIMEOUT + SLACK, `${oneByOne.outage()} s one by one`);
      const together = perform(seed, {
        replicaCount: n,
        seconds: 9,
        script: (stage) => {
          stopAt(stage, WHEN, ...first);
        },
      });
      assert.equal(together.viewChanges, f);
      // The request's time, then that of each new view: T, T, 2 T, …
      const waits = TIMEOUT * (1 + (2 ** (f - 1) - 1) + (f - 1)) + SLACK;
      assert(together.outage() <= waits, `${together.outage()} s together`);
    });
  });

  test("F5 a replica is killed at any point, between any two effects: it goes on as itself", () => {
    everywhere(({ seed, n, turn }) => {
      const script = ({ world, troupe }: Stage): void => {
        for (let count = 0; count < 12; count += 1) {
          const machine = troupe.machines[(count + turn) % n];
          world.scheduler.after((1 + count) * 500 * MS, () => {
            machine?.stopWithin(count);
          });
        }
      };
      const faults = { downMean: 100 * MS, syncMean: 5 * MS };
      const run = perform(seed, { replicaCount: n, faults, script, seconds: 8 });
      assert(run.goodput() > 0);
    });
  });

  test("F6 the power of all fails, and writes are torn: what was acknowledged is there", () => {
    everywhere(({ seed, n }) => {
      const all = Array.from({ length: n }, (_, id) => id);
      const script = (stage: Stage): void => {
        for (const time of [WHEN, 2 * WHEN]) {
          stopAt(stage, time, ...all);
          startAt(stage, time + 300 * MS, ...all);
        }
      };
      const run = perform(seed, {
        replicaCount: n,
        faults: { syncMean: 10 * MS },
        script,
        seconds: 8,
      });
      assert(run.goodput(6) > 0, "service resumes by itself");
    });
  });

  test("F10 one replica is cut off, in both directions or in one: the others go on", () => {
    everywhere(({ seed, n }) => {
      for (const how of ["both", "deaf", "mute"] as const) {
        const backup = perform(seed, {
          replicaCount: n,
          script: (stage) => {
            isolate(stage, [WHEN, 2 * WHEN], [n - 1], how);
          },
        });
        assert.equal(backup.viewChanges, 0, `a backup, ${how}`);
        const primary = perform(seed, {
          replicaCount: n,
          script: (stage) => {
            isolate(stage, [WHEN, 2 * WHEN], [0], how);
          },
        });
        assert.equal(primary.viewChanges, 1, `the primary, ${how}`);
        assert(primary.outage() <= TIMEOUT + SLACK, `${primary.outage()} s, ${how}`);
      }
    });
  });

  test("F10 no side has Q: nothing is answered, and all goes on once the halves meet again", () => {
    everywhere(({ seed, n }) => {
      const half = Array.from({ length: Math.floor(n / 2) }, (_, id) => id);
      const script = (stage: Stage): void => {
        isolate(stage, [WHEN, 2 * WHEN], half, "both");
      };
      const run = perform(seed, { replicaCount: n, script, seconds: 10 });
      assert(run.outage() >= 2, "no side could answer");
      assert(run.outage() <= 2 + 2 * TIMEOUT + SLACK, `${run.outage()} s without an answer`);
      assert(run.goodput(8) > 0);
      assert(run.viewChanges <= 2, `${run.viewChanges} view changes`);
    });
  });

  test("F11 a replica is frozen for a minute: as if it had crashed, no stale read after", () => {
    everywhere(({ seed, n }) => {
      for (const [id, views] of [
        [0, 1],
        [n - 1, 0],
      ] as const) {
        const script = ({ world, troupe }: Stage): void => {
          world.scheduler.after(WHEN, () => {
            troupe.machines[id]?.freeze();
          });
          world.scheduler.after(WHEN + 60 * SECOND, () => {
            troupe.machines[id]?.thaw();
          });
        };
        const clients = { readShare: 0.6, thinkMean: 200 * MS };
        const run = perform(seed, { replicaCount: n, clients, script, seconds: 65 });
        assert.equal(run.viewChanges, views);
        assert(run.outage() <= TIMEOUT + 2 * SLACK, `${run.outage()} s without an answer`);
      }
    });
  });

  test("F12 databases fail in the middle of a batch: started again, nothing is partial", () => {
    everywhere(({ seed, n }) => {
      const mishaps = { storeErrorShare: 0.005, storeStallShare: 0.05 };
      const faults = { downMean: 200 * MS };
      const run = perform(seed, { replicaCount: n, mishaps, faults, seconds: 8 });
      assert(run.goodput(6) > 0, "service goes on");
    });
  });

  test("F13 clocks run off and jump: no view change follows from that", () => {
    everywhere(({ seed, n }) => {
      const clients = { crashEvery: 500 * MS };
      const mishaps = { clockJumpMax: 5 * SECOND };
      const faults = { driftMax: 0.1 };
      const run = perform(seed, { replicaCount: n, clients, mishaps, faults });
      assert.equal(run.viewChanges, 0);
      assert(run.goodput(4) > 0);
    });
  });
});
