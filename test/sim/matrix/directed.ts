/*
 * Directed runs: a timely, fault-free cluster under steady load, into which a test brings exactly
 * one kind of fault or attack, and what came of it in virtual time. All invariants are checked as
 * in every other run, and afterwards the core heals and everybody catches up (I13, I14).
 */
import { quorumsOf } from "../../../src/core/base/quorum.js";
import { REPLICA_OPTIONS_DEFAULT } from "../../../src/core/pbft/options.js";
import { CLIENT_OPTIONS_DEFAULT } from "../../../src/core/client/options.js";
import { NO_MISHAPS } from "../mishaps.js";
import { calmOptions, type SimOptions } from "../options.js";
import { MS, SECOND } from "../scheduler.js";
import { simulate, type Stage } from "../simulation.js";
import { Measure } from "./measure.js";

/** What a test changes of the calm cluster. */
export interface Scene {
  readonly replicaCount?: 4 | 7;
  readonly protocol?: Partial<SimOptions["protocol"]>;
  readonly network?: Partial<SimOptions["network"]>;
  readonly faults?: Partial<SimOptions["faults"]>;
  readonly clients?: Partial<SimOptions["clients"]>;
  readonly byzantine?: SimOptions["byzantine"];
  readonly attackers?: SimOptions["attackers"];
  readonly adversaries?: SimOptions["adversaries"];
  readonly mishaps?: Partial<SimOptions["mishaps"]>;
  /** How long the attack lasts; the load goes on all the time. */
  readonly seconds?: number;
  /** What happens when. */
  readonly script?: (stage: Stage) => void;
}

/** Runs `scene` from `seed`. @throws Error when a promise is broken. */
export function perform(seed: string, scene: Scene = {}): Measure {
  const options = optionsOf(seed, scene);
  const measure = new Measure(options);
  const { script = () => undefined } = scene;
  const { failure } = simulate(options, null, {
    watcher: measure,
    script: (stage) => {
      measure.clock(() => stage.world.scheduler.now);
      script(stage);
    },
  });
  if (failure === null) return measure;
  throw new Error(`with seed ${seed}: ${failure.message}`, { cause: failure });
}

/** As `npm start` runs it, with more checkpoints; the clients never run out of work. */
function optionsOf(seed: string, scene: Scene): SimOptions {
  const calm = calmOptions(seed, scene.replicaCount ?? 4);
  return {
    ...calm,
    protocol: {
      ...REPLICA_OPTIONS_DEFAULT,
      ...{ checkpointIntervalSlots: 16, windowSlots: 64, tentativeReplies: true },
      ...scene.protocol,
    },
    network: { ...calm.network, ...scene.network },
    faults: { ...calm.faults, ...scene.faults },
    clients: {
      ...{
        clientCount: 2,
        accountCount: 5,
        balanceAtStart: 1_000,
        operationsPerClient: 1_000_000,
        readShare: 0.3,
      },
      ...{ thinkMean: 50 * MS, burstMax: 1, crashEvery: 0, patience: 600 * SECOND },
      retryTicksMin: CLIENT_OPTIONS_DEFAULT.retryTicksMin,
      retryTicksMax: CLIENT_OPTIONS_DEFAULT.retryTicksMax,
      ...scene.clients,
    },
    byzantine: scene.byzantine ?? [],
    attackers: scene.attackers ?? [],
    adversaries: scene.adversaries ?? [],
    mishaps: { ...NO_MISHAPS, ...scene.mishaps },
    safetyPhase: (scene.seconds ?? 5) * SECOND,
  };
}

/** Byzantine replicas that all do the same. */
export function liars(
  ids: readonly number[],
  ...strategies: SimOptions["byzantine"][number]["strategies"]
): SimOptions["byzantine"] {
  return ids.map((id) => ({ id, strategies, twins: null }));
}

/** One of the runs that a row of the matrix is made of. */
interface Place {
  readonly seed: string;
  readonly n: 4 | 7;
  readonly f: number;
  /** 0 and up. */
  readonly turn: number;
}

/** Runs of one row for each number of replicas. */
const TURNS = { 4: 2, 7: 1 } as const;

/** Does the same with four and with seven replicas, and with several seeds each. */
export function everywhere(act: (place: Place) => void): void {
  for (const n of [4, 7] as const) {
    for (let turn = 0; turn < TURNS[n]; turn += 1) {
      act({ seed: `matrix ${n} ${turn}`, n, f: quorumsOf(n).faultsMax, turn });
    }
  }
}

/** The last `count` replicas, which lead none of the first views. */
export function backups(replicaCount: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => replicaCount - 1 - index);
}
