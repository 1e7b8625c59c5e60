/*
 * Every parameter of a run, drawn from its seed: each run is a different little world (swarm
 * testing).
 */
import type { ReplicaId } from "../../src/core/base/ids.js";
import type { ReplicaOptions } from "../../src/core/pbft/options.js";
import { quorumsOf } from "../../src/core/base/quorum.js";
import { ambushed, type AmbushName, drawAmbush } from "./ambushes.js";
import { type AdversaryName, drawAdversaries } from "./adversaries.js";
import { drawPlots, drawStrategies, type StrategyName } from "./byzantine/draw-liar.js";
import { type ClientStrategyName, drawAttackers } from "./byzantine-clients/draw-attacker.js";
import { type Changes, changed } from "./changes.js";
import { drawMishaps, type MishapOptions, NO_MISHAPS } from "./mishaps.js";
import { Prng } from "./prng.js";
import { MS, SECOND, type Micros } from "./scheduler.js";
import { drawTwins, type TwinOptions } from "./twins.js";

/** How messages fare between two processes. */
export interface NetworkOptions {
  readonly delayMin: Micros;
  /** Mean of the exponential part of a one-way delay. */
  readonly delayMean: Micros;
  readonly lossShare: number;
  readonly duplicateShare: number;
  /** Share of packets that are recorded and sent again up to seconds later. */
  readonly replayShare: number;
  readonly corruptShare: number;
  /** Kinds of messages that fare worse, and how many of them get lost. */
  readonly lossyKinds: readonly string[];
  readonly lossyKindShare: number;
  /** Mean time between two clogs of a link (0: never) and mean length of one. */
  readonly clogEvery: Micros;
  readonly clogMean: Micros;
  /** Mean time between two partitions (0: never) and mean length of one. */
  readonly partitionEvery: Micros;
  readonly partitionMean: Micros;
  readonly partitionIsSymmetric: boolean;
  readonly datagramBytesMax: number;
  /** Links that are down until the network heals, as "from>to". */
  readonly deadLinks: readonly string[];
  /** What a one-way delay takes at least once the network has healed. */
  readonly healedDelayMin: Micros;
}

/** How machines fare. */
export interface FaultOptions {
  /** Mean time between two crashes of some replica (0: never). */
  readonly crashEvery: Micros;
  /** Mean time that a crashed replica stays away. */
  readonly downMean: Micros;
  /** Share of the crashes that hit all replicas at once. */
  readonly powerCutShare: number;
  /** Share of crashes that come in the middle of carrying effects out. */
  readonly midStepShare: number;
  /** Mean time between two pauses of some replica (0: never) and mean length of one. */
  readonly pauseEvery: Micros;
  readonly pauseMean: Micros;
  /** Mean time that one write takes to become durable. */
  readonly syncMean: Micros;
  /** Mean time that one transaction of the database takes. */
  readonly storeMean: Micros;
  /** Share of the steps under way at a crash of which nothing reaches the disk. */
  readonly lostShare: number;
  /** Most that a clock runs fast or slow, as a share. */
  readonly driftMax: number;
}

/** What clients do. */
interface ClientWorkload {
  readonly clientCount: number;
  readonly accountCount: number;
  /** What every account holds at the start, in minor units. */
  readonly balanceAtStart: number;
  readonly operationsPerClient: number;
  readonly readShare: number;
  /** Mean time between two submissions. */
  readonly thinkMean: Micros;
  /** Most operations of one submission. */
  readonly burstMax: number;
  /** Mean time between two crashes of a client (0: never). */
  readonly crashEvery: Micros;
  /** Time after which a client gives an operation up and goes on with a new session. */
  readonly patience: Micros;
  readonly retryTicksMin: number;
  readonly retryTicksMax: number;
}

/** A replica that breaks the rules. */
export interface ByzantineReplica {
  readonly id: ReplicaId;
  readonly strategies: readonly StrategyName[];
  /** It exists twice instead of following strategies. */
  readonly twins?: TwinOptions | null;
}

/** A run. */
export interface SimOptions {
  readonly seed: string;
  readonly replicaCount: number;
  readonly isRealCrypto: boolean;
  /** No faults, and everything timely: no view may change (I15). */
  readonly isCalm: boolean;
  readonly tick: Micros;
  readonly segmentBytesMax: number;
  readonly protocol: Omit<ReplicaOptions, "self" | "replicaCount" | "clientCount">;
  readonly network: NetworkOptions;
  readonly faults: FaultOptions;
  /**
   * Mean time between two losses of what some replica's disks held (0: never). Together with the
   * Byzantine ones, never more than f replicas suffer from them at a time.
   */
  readonly forgetEvery: Micros;
  readonly clients: ClientWorkload;
  /** The Byzantine replicas, at most f, and what each of them does. */
  readonly byzantine: readonly ByzantineReplica[];
  /** The Byzantine clients, as many as there are, and what each of them does. */
  readonly attackers: readonly (readonly ClientStrategyName[])[];
  /** Who interferes with the network. */
  readonly adversaries: readonly AdversaryName[];
  readonly mishaps: MishapOptions;
  /** What was brought together on purpose; null: nothing. */
  readonly ambush: string | null;
  /** Length of the phase in which anything may happen. */
  readonly safetyPhase: Micros;
  /** Most time that a healed core may take to converge. */
  readonly livenessPhase: Micros;
}

/** What the caller decides instead of the seed. */
export interface Overrides {
  readonly replicaCount?: number;
  /** One of these, drawn or not. */
  readonly ambush?: AmbushName;
  /** Values in place of drawn ones. */
  readonly changes?: Changes;
}

/** Share of the runs with real signatures and hashes. */
const REAL_CRYPTO_SHARE = 0.05;
const CALM_SHARE = 0.04;
/** Share of the runs in which replicas answer what is prepared (EX3). */
const TENTATIVE_SHARE = 0.6;

const KINDS_THAT_MATTER = [
  "request",
  "pre-prepare",
  "prepare",
  "commit",
  "checkpoint",
  "view-change",
  "new-view",
  "status",
  "batch-body",
  "decision-query",
  "decision",
  "state-fetch",
  "state-data",
  "reply",
];

/** The world that `seed` stands for. @throws Error when the overrides do not fit it. */
export function drawOptions(seed: string, overrides: Overrides = {}): SimOptions {
  return changed(draw(seed, overrides), overrides.changes ?? {});
}

function draw(seed: string, overrides: Overrides): SimOptions {
  const options = drawPlain(seed, overrides);
  // So called, the stream leaves those seeds alone that failed once (sim.test.ts).
  const prng = new Prng(seed).fork("options").fork("snare");
  const drawn = options.isCalm ? null : drawAmbush(prng);
  const ambush = overrides.ambush ?? drawn;
  return ambush === null ? options : ambushed(options, ambush, prng);
}

function drawPlain(seed: string, overrides: Overrides): SimOptions {
  const prng = new Prng(seed).fork("options");
  const isCalm = prng.chance(CALM_SHARE);
  const drawnCount = prng.chance(0.75) ? 4 : 7;
  const replicaCount = overrides.replicaCount ?? drawnCount;
  const mishaps = isCalm ? NO_MISHAPS : drawMishaps(prng.fork("mishaps"));
  const options: SimOptions = {
    seed,
    replicaCount,
    isRealCrypto: prng.chance(REAL_CRYPTO_SHARE),
    isCalm,
    tick: 10 * MS,
    segmentBytesMax: prng.pick([2_000, 16_000, 1_000_000]),
    protocol: drawProtocol(prng, isCalm),
    network: isCalm ? CALM_NETWORK : drawNetwork(prng),
    faults: isCalm ? CALM_FAULTS : drawFaults(prng),
    forgetEvery: isCalm ? 0 : drawForgetEvery(prng.fork("forget")),
    clients: drawClients(prng, isCalm),
    byzantine: isCalm ? [] : drawByzantine(prng.fork("byzantine"), replicaCount),
    attackers: isCalm ? [] : drawAttackers(prng.fork("attackers")),
    adversaries: isCalm ? [] : drawAdversaries(prng.fork("adversaries")),
    mishaps,
    ambush: null,
    safetyPhase: Math.round(prng.range(2, 6) * SECOND) + mishaps.longPause,
    livenessPhase: 120 * SECOND,
  };
  return isCalm ? withDeafPrimary(options, prng.fork("deaf")) : withScenes(options, prng);
}

/** A calm run in which the primary may not hear a client: a backup has to tell it (NC1, I15). */
function withDeafPrimary(options: SimOptions, prng: Prng): SimOptions {
  if (prng.chance(0.5)) return options;
  return { ...options, network: { ...options.network, deadLinks: ["c0>r0"] } };
}

/**
 * What independent draws would bring together too rarely. Each part has a stream of its own, so
 * that the others stay what they were.
 */
function withScenes(options: SimOptions, prng: Prng): SimOptions {
  const { network, faults, clients, replicaCount } = options;
  const byzantine = drawPlotters(options.byzantine, replicaCount, prng.fork("plots"));
  const healedDelayMin = drawHealedDelay(options, prng.fork("healed delay"));
  const cuts = drawPowerCuts(prng.fork("power cuts"));
  const readsMatter = cuts !== null || byzantine.some(({ strategies }) => isAboutReads(strategies));
  return {
    ...options,
    network: { ...network, ...(cuts === null ? {} : SMOOTH), healedDelayMin },
    livenessPhase: healedDelayMin === 0 ? options.livenessPhase : 600 * SECOND,
    faults: { ...faults, ...cuts },
    clients: { ...clients, ...drawRush(prng.fork("rush"), readsMatter) },
    byzantine,
  };
}

function isAboutReads(strategies: readonly StrategyName[]): boolean {
  return strategies.includes("oldReads");
}

/** Nothing gets lost for long, so that much is done between two power cuts. */
const SMOOTH: Partial<NetworkOptions> = {
  lossShare: 0,
  lossyKinds: [],
  clogEvery: 0,
  partitionEvery: 0,
};

/** A one-way delay of which agreement needs two once a batch is accepted: more than T. */
const DELAYS_OF_T = 0.6;

/** In some runs T turns out too short for the network and has to be doubled (VT5). */
function drawHealedDelay({ protocol, tick }: SimOptions, prng: Prng): Micros {
  const { viewChangeTicks, viewChangeTicksMax } = protocol;
  if (viewChangeTicksMax < 8 * viewChangeTicks || !prng.chance(0.2)) return 0;
  return Math.round(DELAYS_OF_T * viewChangeTicks * tick);
}

/**
 * In some runs disks are slow, the power fails now and then, and then all that was not synced is
 * gone everywhere (RO6).
 */
function drawPowerCuts(prng: Prng): Partial<FaultOptions> | null {
  if (!prng.chance(0.12)) return null;
  const syncMean = prng.pick([50, 100, 200]) * MS;
  const crashEvery = prng.pick([1_000, 1_500, 2_000]) * MS;
  return {
    ...{ syncMean, storeMean: prng.pick([300, 1_000]) * MS, lostShare: 1 },
    ...{ crashEvery, powerCutShare: 1, midStepShare: 0, downMean: 10 * MS, pauseEvery: 0 },
  };
}

/** In some runs clients read and write one or two accounts without a pause to think. */
function drawRush(prng: Prng, isCertain: boolean): Partial<ClientWorkload> {
  const balanceAtStart = prng.pick([1_000, 1_000, 1_000, 30]);
  if (!prng.chance(0.1) && !isCertain) return { balanceAtStart };
  return {
    ...{ balanceAtStart, clientCount: 4, accountCount: prng.pick([1, 2]), thinkMean: 1 * MS },
    ...{ readShare: prng.pick([0.3, 0.5]), operationsPerClient: 60, burstMax: 1 },
  };
}

/** In some runs the liars, or the first primary, follow a plot. */
function drawPlotters(
  drawn: readonly ByzantineReplica[],
  replicaCount: number,
  prng: Prng,
): readonly ByzantineReplica[] {
  if (!prng.chance(0.3)) return drawn;
  const strategies = drawPlots(prng);
  const [first, ...others] = drawn;
  if (first !== undefined) return [{ id: first.id, strategies }, ...others];
  return [{ id: prng.pick([0, 1, prng.below(replicaCount)]), strategies }];
}

/** A world in which nothing goes wrong, for whoever brings in what shall. */
export function calmOptions(seed: string, replicaCount: number): SimOptions {
  const prng = new Prng(seed).fork("options");
  return {
    ...{ seed, replicaCount, isRealCrypto: false, isCalm: false, tick: 10 * MS },
    segmentBytesMax: 16_000,
    protocol: drawProtocol(prng, true),
    network: CALM_NETWORK,
    faults: CALM_FAULTS,
    clients: drawClients(prng, true),
    ...{ byzantine: [], attackers: [], adversaries: [], mishaps: NO_MISHAPS, ambush: null },
    forgetEvery: 0,
    safetyPhase: 5 * SECOND,
    livenessPhase: 120 * SECOND,
  };
}

/** A network that only delays, and little. */
export const CALM_NETWORK: NetworkOptions = {
  delayMin: 1 * MS,
  delayMean: 2 * MS,
  lossShare: 0,
  duplicateShare: 0,
  replayShare: 0,
  corruptShare: 0,
  lossyKinds: [],
  lossyKindShare: 0,
  clogEvery: 0,
  clogMean: 0,
  partitionEvery: 0,
  partitionMean: 0,
  partitionIsSymmetric: true,
  datagramBytesMax: 65_507,
  deadLinks: [],
  healedDelayMin: 0,
};

/** Machines that never fail, with quick disks. */
export const CALM_FAULTS: FaultOptions = {
  crashEvery: 0,
  downMean: 0,
  powerCutShare: 0,
  midStepShare: 0,
  pauseEvery: 0,
  pauseMean: 0,
  syncMean: 1 * MS,
  storeMean: 3 * MS,
  lostShare: 0,
  driftMax: 0.001,
};

function drawProtocol(prng: Prng, isCalm: boolean): SimOptions["protocol"] {
  const checkpointIntervalSlots = prng.pick([1, 2, 3, 4, 8, 16]);
  const windowSlots = checkpointIntervalSlots * prng.between(2, 4);
  const viewChangeTicks = isCalm ? 80 : prng.between(30, 120);
  const stalledStatusTicks = prng.between(2, 12);
  return {
    checkpointIntervalSlots,
    windowSlots,
    batchesInFlightMax: prng.pick([1, 2, 4, 8]),
    batchRequestsMax: prng.pick([1, 2, 8, 64]),
    batchBytesMax: prng.pick([200, 2_000, 60_000]),
    pendingPerClientMax: prng.pick([2, 8, 64]),
    viewChangeTicks,
    viewChangeTicksMax: viewChangeTicks * prng.pick([1, 4, 8]),
    stalledStatusTicks,
    idleStatusTicks: stalledStatusTicks + prng.between(0, 60),
    tentativeReplies: prng.fork("tentative").chance(TENTATIVE_SHARE),
  };
}

function drawNetwork(prng: Prng): NetworkOptions {
  const mean = prng.pick([2, 10, 30, 60, 100]) * MS;
  const isHarsh = prng.chance(0.5);
  return {
    delayMin: prng.between(0, 30) * 100,
    delayMean: prng.range(0.3, 1) * mean,
    lossShare: isHarsh ? prng.range(0, 0.3) : prng.pick([0, 0.01, 0.05]),
    duplicateShare: prng.pick([0, 0, 0.05, 0.5]),
    replayShare: prng.pick([0, 0, 0.01, 0.1]),
    corruptShare: prng.pick([0, 0, 0.005, 0.05]),
    lossyKinds: prng.sample(KINDS_THAT_MATTER, prng.pick([0, 0, 1, 2, 3])),
    lossyKindShare: prng.pick([0.5, 0.9, 1]),
    clogEvery: prng.pick([0, 0, 500 * MS, 2 * SECOND]),
    clogMean: prng.pick([100 * MS, 500 * MS, 2 * SECOND]),
    partitionEvery: prng.pick([0, 1 * SECOND, 3 * SECOND]),
    partitionMean: prng.pick([300 * MS, 1 * SECOND, 3 * SECOND]),
    partitionIsSymmetric: prng.chance(0.6),
    datagramBytesMax: prng.pick([700, 1_472, 65_507, 65_507]),
    deadLinks: [],
    healedDelayMin: 0,
  };
}

function drawFaults(prng: Prng): FaultOptions {
  return {
    crashEvery: prng.pick([0, 300 * MS, 1 * SECOND, 3 * SECOND]),
    downMean: prng.pick([10 * MS, 300 * MS, 2 * SECOND]),
    powerCutShare: prng.pick([0, 0.1, 0.4]),
    midStepShare: prng.pick([0, 0.5, 1]),
    pauseEvery: prng.pick([0, 0, 1 * SECOND]),
    pauseMean: prng.pick([200 * MS, 2 * SECOND]),
    syncMean: prng.pick([100, 1 * MS, 10 * MS, 150 * MS]),
    storeMean: prng.pick([1 * MS, 10 * MS, 300 * MS]),
    lostShare: 0,
    driftMax: prng.pick([0, 0.01, 0.2]),
  };
}

function drawForgetEvery(prng: Prng): Micros {
  return prng.pick([0, 0, 500 * MS, 2 * SECOND]);
}

function drawClients(prng: Prng, isCalm: boolean): ClientWorkload {
  const retryTicksMin = prng.between(5, 40);
  return {
    clientCount: prng.between(1, 4),
    accountCount: prng.pick([1, 2, 5, 40]),
    balanceAtStart: 1_000,
    operationsPerClient: prng.between(4, 40),
    readShare: prng.pick([0, 0.2, 0.5, 0.8]),
    thinkMean: prng.pick([1 * MS, 20 * MS, 100 * MS]),
    burstMax: prng.pick([1, 1, 4]),
    crashEvery: isCalm ? 0 : prng.pick([0, 0, 1 * SECOND]),
    patience: isCalm ? 60 * SECOND : prng.pick([2 * SECOND, 60 * SECOND]),
    retryTicksMin,
    retryTicksMax: retryTicksMin * prng.pick([1, 4, 16]),
  };
}

function drawByzantine(prng: Prng, replicaCount: number): ByzantineReplica[] {
  const ids = Array.from({ length: replicaCount }, (_, id) => id);
  const count = prng.between(0, quorumsOf(replicaCount).faultsMax);
  return prng.sample(ids, count).map((id) => {
    const twins = drawTwins(prng.fork(`twins ${id}`));
    const strategies = drawStrategies(prng, prng.fork(`further ${id}`));
    return { id, strategies: twins === null ? strategies : [], twins };
  });
}

/** Every parameter of a run, one line each. */
export function describeOptions(options: SimOptions): string[] {
  const { strong, faultsMax } = quorumsOf(options.replicaCount);
  const lines = [`n = ${options.replicaCount}, f = ${faultsMax}, Q = ${strong}`];
  for (const [name, value] of Object.entries(options)) {
    const isRecord = typeof value === "object" && value !== null;
    const shown = isRecord ? fieldsOf(value as object) : String(value);
    lines.push(`${name}: ${shown}`);
  }
  return lines;
}

function fieldsOf(value: object): string {
  return Object.entries(value)
    .map(([name, field]) => `${name} ${JSON.stringify(field)}`)
    .join(", ");
}
