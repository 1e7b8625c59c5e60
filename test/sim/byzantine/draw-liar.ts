import type { Prng } from "../prng.js";
import { accomplices, sharedDark } from "./conspiracy.js";
import { doubleOrder, equivocatingPrimary, twoFacedPrimary } from "./equivocation.js";
import {
  endlessState,
  slowDonor,
  staleCheckpoints,
  swappedPieces,
  withheldPages,
} from "./false-donors.js";
import { lyingReplies, staleReads } from "./false-replies.js";
import { falseCheckpoints, falseDecisions, falseState, falseStatuses } from "./false-state.js";
import {
  badNewViews,
  farNewViews,
  hiddenPrepared,
  inventedCheckpoints,
  inventedPrepared,
  raisedViews,
  viewChangeSpam,
} from "./false-views.js";
import { doubleVotes, futureVotes, hastyCommits, splitVotes, wrongDigests } from "./false-votes.js";
import {
  badMacs,
  grudge,
  mixedReplies,
  needyStatuses,
  plantedBodies,
  unaskedDecisions,
} from "./intrusion.js";
import { Liar, type Strategy, type Villain } from "./liar.js";
import { falseRejoins, flood, replays } from "./noise.js";
import {
  emptyBatches,
  forgedRequests,
  frontRunning,
  justInTime,
  oddOneOut,
  oversizedBatches,
  shiftedNumbers,
} from "./orders.js";
import { borrowedNames, falsePieces, favourite, oldReads, standsByItsLie } from "./plots.js";
import { slowPrimary } from "./slowness.js";
import { censorship, inDark, omission, silent, silentPrimary } from "./silence.js";
import {
  keptNewViews,
  oldViews,
  paddedNewViews,
  repeatedEntries,
  twoFacedVotes,
} from "./split-views.js";

import {
  erasedChoices,
  farCheckpoints,
  inventedNull,
  nullInOwnView,
  stuffedInOwnView,
  stuffedNewViews,
  stuffedVotes,
  unseatedPrimaries,
} from "./view-plots.js";

type Strategies = Readonly<Record<string, (villain: Villain) => Strategy>>;

const STRATEGIES = {
  silent,
  silentPrimary,
  inDark,
  omission,
  censorship,
  equivocatingPrimary,
  twoFacedPrimary,
  doubleOrder,
  wrongDigests,
  doubleVotes,
  futureVotes,
  hastyCommits,
  splitVotes,
  hiddenPrepared,
  inventedPrepared,
  raisedViews,
  inventedCheckpoints,
  badNewViews,
  farNewViews,
  viewChangeSpam,
  falseCheckpoints,
  falseState,
  falseDecisions,
  falseStatuses,
  lyingReplies,
  staleReads,
  replays,
  flood,
} as const satisfies Strategies;

/** Drawn from a stream of their own, so that seeds which draw none keep their stories. */
const FURTHER_STRATEGIES = {
  oddOneOut,
  shiftedNumbers,
  justInTime,
  frontRunning,
  oversizedBatches,
  emptyBatches,
  forgedRequests,
  twoFacedVotes,
  repeatedEntries,
  paddedNewViews,
  keptNewViews,
  oldViews,
  withheldPages,
  endlessState,
  swappedPieces,
  slowDonor,
  staleCheckpoints,
  badMacs,
  unaskedDecisions,
  needyStatuses,
  mixedReplies,
  grudge,
  accomplices,
  sharedDark,
} as const satisfies Strategies;

const PLOTS = {
  standsByItsLie,
  favourite,
  inventedNull,
  stuffedVotes,
  stuffedNewViews,
  farCheckpoints,
  borrowedNames,
  falsePieces,
  oldReads,
  falseRejoins,
} as const satisfies Strategies;

const ALL = {
  ...STRATEGIES,
  ...FURTHER_STRATEGIES,
  ...PLOTS,
  // Part of ambushes.
  erasedChoices,
  nullInOwnView,
  stuffedInOwnView,
  unseatedPrimaries,
  // Never drawn: the progress timers of most runs are too short for it, so it has runs of its own.
  slowPrimary,
  // Never drawn either, lest every seed get another story.
  plantedBodies,
};

/** Names one way to break the rules. */
export type StrategyName = keyof typeof ALL;

const NAMES = Object.keys(STRATEGIES) as StrategyName[];
const FURTHER_NAMES = Object.keys(FURTHER_STRATEGIES) as StrategyName[];

const PLOT_NAMES = Object.keys(PLOTS) as StrategyName[];

/** Most strategies of one Byzantine replica from each of the first two lists. */
const STRATEGIES_MAX = 4;

/** Share of the Byzantine replicas that follow further strategies, and that follow only those. */
const FURTHER_SHARE = 0.6;
const ONLY_FURTHER_SHARE = 0.5;

/** What one Byzantine replica of a run does. */
export function drawStrategies(prng: Prng, further: Prng): StrategyName[] {
  const first = prng.sample(NAMES, prng.between(1, STRATEGIES_MAX));
  if (!further.chance(FURTHER_SHARE)) return first;
  const second = further.sample(FURTHER_NAMES, further.between(1, STRATEGIES_MAX));
  return further.chance(ONLY_FURTHER_SHARE) ? second : [...first, ...second];
}

/** What a Byzantine replica does that has a plan: one plot, or two of them. */
export function drawPlots(prng: Prng): StrategyName[] {
  return prng.sample(PLOT_NAMES, prng.chance(0.3) ? 2 : 1);
}

/** The liar who follows these strategies, one after another. */
export function liarOf(villain: Villain, names: readonly StrategyName[]): Liar {
  return new Liar(names.map((name) => ALL[name](villain)));
}
