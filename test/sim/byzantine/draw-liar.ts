import type { Prng } from "../prng.js";
import { doubleOrder, equivocatingPrimary, twoFacedPrimary } from "./equivocation.js";
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
import { Liar, type Strategy, type Villain } from "./liar.js";
import { falseRejoins, flood, replays } from "./noise.js";
import {
  borrowedNames,
  farCheckpoints,
  falsePieces,
  favourite,
  inventedNull,
  oldReads,
  standsByItsLie,
  stuffedNewViews,
  stuffedVotes,
} from "./plots.js";
import { slowPrimary } from "./slowness.js";
import { censorship, inDark, omission, silent, silentPrimary } from "./silence.js";

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
} as const satisfies Readonly<Record<string, (villain: Villain) => Strategy>>;

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
} as const satisfies Readonly<Record<string, (villain: Villain) => Strategy>>;

const ALL: Readonly<Record<StrategyName, (villain: Villain) => Strategy>> = {
  ...STRATEGIES,
  ...PLOTS,
  // Never drawn: the progress timers of most runs are too short for it, so it has runs of its own.
  slowPrimary,
};

/** Names one way to break the rules. */
export type StrategyName = keyof typeof STRATEGIES | keyof typeof PLOTS | "slowPrimary";

const NAMES = Object.keys(STRATEGIES) as StrategyName[];

const PLOT_NAMES = Object.keys(PLOTS) as StrategyName[];

/** Most strategies of one Byzantine replica. */
const STRATEGIES_MAX = 4;

/** What one Byzantine replica of a run does. */
export function drawStrategies(prng: Prng): StrategyName[] {
  return prng.sample(NAMES, prng.between(1, STRATEGIES_MAX));
}

/** What a Byzantine replica does that has a plan: one plot, or two of them. */
export function drawPlots(prng: Prng): StrategyName[] {
  return prng.sample(PLOT_NAMES, prng.chance(0.3) ? 2 : 1);
}

/** The liar who follows these strategies, one after another. */
export function liarOf(villain: Villain, names: readonly StrategyName[]): Liar {
  return new Liar(names.map((name) => ALL[name](villain)));
}
