/*
 * Runs in which everything comes together that one mistake in the rules needs to do harm: a liar
 * who profits from it, the faults that bring his moment about, and clients who are there to suffer.
 * Independent draws meet that way once in thousands of runs.
 */
import { quorumsOf } from "../../src/core/base/quorum.js";
import type { StrategyName } from "./byzantine/draw-liar.js";
import { NO_MISHAPS } from "./mishaps.js";
import type { FaultOptions, NetworkOptions, SimOptions } from "./options.js";
import type { Prng } from "./prng.js";
import { MS, SECOND } from "./scheduler.js";

/** What an ambush makes of the options that were drawn. */
type Ambush = (options: SimOptions, prng: Prng) => SimOptions;

const AMBUSHES = {
  /** A primary who shows two batches gives its view up and claims the wrong one (A1). */
  brazenPrimary: (options, prng) =>
    underLoad(led(options, 0, ["standsByItsLie", "unseatedPrimaries"]), prng),
  /** Null batches are said to have prepared in a view that failed, over committed ones (A2). */
  nullOverCommitted: (options, prng) =>
    underLoad(led(options, 1, ["nullInOwnView", "unseatedPrimaries"]), prng),
  /** The same, by entries that are there several times (TV3). */
  stuffedBallots: (options, prng) =>
    underLoad(led(options, 1, ["stuffedInOwnView", "unseatedPrimaries"]), prng),
  /** A view is announced on one vote, many times (TV4). */
  oneVoteManyTimes: (options, prng) =>
    underLoad(led(options, 1, ["stuffedNewViews", "unseatedPrimaries"]), prng),
  /** A view is announced with other choices than its votes make (TV11). */
  otherChoices: (options, prng) =>
    underLoad(led(options, 1, ["erasedChoices", "unseatedPrimaries"]), prng),
  /** Every quorum of votes holds a checkpoint that nobody has (TV1). */
  checkpointOfNobody: (options, prng) =>
    underLoad(led(options, prng.below(2), ["farCheckpoints", "unseatedPrimaries"]), prng),
  /** One replica executes first, and a liar still answers from the state before (CL4, RO3). */
  readsBehind: (options, prng) =>
    led(inPeace({ ...options, clients: { ...options.clients, ...HURRY } }), prng.below(4), [
      "oldReads",
    ]),
  /** The power fails everywhere while somebody thinks about what to read next (RO6). */
  readsInTheDark: (options, prng) => ({
    ...inPeace(options),
    protocol: { ...options.protocol, ...WIDE_WINDOW, ...PATIENT },
    faults: { ...options.faults, ...POWER_CUTS, syncMean: prng.pick([50, 100, 150]) * MS },
    clients: { ...options.clients, ...HURRY, thinkMean: 50 * MS, readShare: 0.7 },
    safetyPhase: 8 * SECOND,
  }),
  /** Replicas come back so late that they fetch state, from a liar too (ST1). */
  poisonedPages: (options, prng) =>
    led(
      {
        ...inPeace(options),
        faults: { ...options.faults, ...ABSENCES },
        protocol: { ...options.protocol, checkpointIntervalSlots: 2, windowSlots: 4 },
        clients: { ...options.clients, ...HURRY, readShare: 0, accountCount: 40 },
      },
      prng.below(4),
      ["falsePieces"],
    ),
} as const satisfies Readonly<Record<string, Ambush>>;

/** Names an ambush. */
export type AmbushName = keyof typeof AMBUSHES;

/** All of them. */
export const AMBUSH_NAMES = Object.keys(AMBUSHES) as AmbushName[];

/** Share of the runs with one. */
const SHARE = 0.1;

/** The ambush of a run, or null: most have none. */
export function drawAmbush(prng: Prng): AmbushName | null {
  return prng.chance(SHARE) ? prng.pick(AMBUSH_NAMES) : null;
}

/** `options` as the ambush needs them; what it does not need stays as it was drawn. */
export function ambushed(options: SimOptions, name: AmbushName, prng: Prng): SimOptions {
  return { ...AMBUSHES[name](options, prng), isCalm: false, ambush: name };
}

/** As many liars as there may be, one after another from replica `first` on, who do the same. */
function led(options: SimOptions, first: number, strategies: readonly StrategyName[]): SimOptions {
  const { replicaCount } = options;
  const { faultsMax } = quorumsOf(replicaCount);
  const byzantine = Array.from({ length: faultsMax }, (_, index) => {
    return { id: (first + index) % replicaCount, strategies };
  });
  return { ...options, byzantine, forgetEvery: 0 };
}

/** Much is ordered and little is stable when views change, which they do soon and often. */
function underLoad(options: SimOptions, prng: Prng): SimOptions {
  const { protocol, clients } = options;
  return {
    ...inPeace(options),
    protocol: {
      ...protocol,
      ...WIDE_WINDOW,
      ...{
        batchRequestsMax: 2,
        viewChangeTicks: 30,
        viewChangeTicksMax: 30 * prng.pick([1, 4, 8]),
      },
    },
    clients: { ...clients, ...HURRY, readShare: 0.2, thinkMean: prng.pick([1, 20]) * MS },
    safetyPhase: 6 * SECOND,
  };
}

/** Nothing gets in the liar's way. */
function inPeace(options: SimOptions): SimOptions {
  return {
    ...options,
    network: {
      ...options.network,
      ...SMOOTH,
      delayMean: Math.min(options.network.delayMean, 10 * MS),
    },
    faults: { ...options.faults, ...NO_FAULTS },
    adversaries: [],
    mishaps: NO_MISHAPS,
  };
}

/** Nothing gets lost for long. */
const SMOOTH: Partial<NetworkOptions> = {
  lossShare: 0,
  lossyKinds: [],
  clogEvery: 0,
  partitionEvery: 0,
  healedDelayMin: 0,
};

const NO_FAULTS: Partial<FaultOptions> = {
  ...{ crashEvery: 0, pauseEvery: 0, syncMean: 1 * MS, storeMean: 10 * MS },
};

const POWER_CUTS: Partial<FaultOptions> = {
  ...{ crashEvery: 1_200 * MS, powerCutShare: 1, midStepShare: 0, downMean: 10 * MS },
  ...{ storeMean: 1_000 * MS, lostShare: 1, pauseEvery: 0 },
};

const ABSENCES: Partial<FaultOptions> = {
  ...{ crashEvery: 400 * MS, powerCutShare: 0, midStepShare: 0, downMean: 300 * MS },
  ...{ syncMean: 1 * MS, storeMean: 1 * MS, pauseEvery: 0 },
};

/** No checkpoint holds anything up, and much is ordered between two of them. */
const WIDE_WINDOW = {
  ...{ checkpointIntervalSlots: 32, windowSlots: 64, batchesInFlightMax: 8 },
} as const;

/** No view is given up because disks are slow. */
const PATIENT = { viewChangeTicks: 120, viewChangeTicksMax: 480 } as const;

/** Several clients ask without a pause, about one account. */
const HURRY = {
  ...{ clientCount: 4, accountCount: 1, operationsPerClient: 60, thinkMean: 1 * MS },
  ...{ readShare: 0.4, burstMax: 1, crashEvery: 0, balanceAtStart: 1_000, patience: 60 * SECOND },
} as const;
