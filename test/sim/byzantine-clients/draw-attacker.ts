import type { Prng } from "../prng.js";
import type { ClientStrategy } from "./attacker.js";
import {
  badSignatures,
  hugeTimestamps,
  macForOne,
  oldRequests,
  partialSends,
  sameTimestamp,
  writesAsReads,
} from "./false-requests.js";
import { flood, garbage, sessionChurn, stolenFrames } from "./noise.js";

const STRATEGIES = {
  sameTimestamp,
  badSignatures,
  macForOne,
  hugeTimestamps,
  oldRequests,
  partialSends,
  writesAsReads,
  garbage,
  flood,
  sessionChurn,
  stolenFrames,
} as const satisfies Readonly<Record<string, ClientStrategy>>;

/** Names one way for a client to break the rules. */
export type ClientStrategyName = keyof typeof STRATEGIES;

const NAMES = Object.keys(STRATEGIES) as ClientStrategyName[];

/** Share of the runs with Byzantine clients; most of them, and most strategies of one. */
const SHARE = 0.25;
const ATTACKERS_MAX = 2;
const STRATEGIES_MAX = 3;

/** The Byzantine clients of one run, and what each of them does. */
export function drawAttackers(prng: Prng): ClientStrategyName[][] {
  if (!prng.chance(SHARE)) return [];
  return Array.from({ length: prng.between(1, ATTACKERS_MAX) }, () =>
    prng.sample(NAMES, prng.between(1, STRATEGIES_MAX)),
  );
}

/** The strategies of these names. */
export function clientStrategies(names: readonly ClientStrategyName[]): ClientStrategy[] {
  return names.map((name) => STRATEGIES[name]);
}
