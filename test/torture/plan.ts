import type { ReplicaId } from "../../src/core/base/ids.js";
import type { ClusterSettings } from "../../src/io/config.js";
import type { Prng } from "../sim/prng.js";
import { type KillOrder, type KillPoint, LOAD_POINTS, START_POINTS } from "./kill-points.js";
import { VIEW_CHANGE_POINTS } from "./kill-points.js";
import type { LoadOptions } from "./load.js";

/** What can happen to replicas in a cycle. */
export const FAULT_KINDS = [
  /** They are killed at a random moment. */
  "kill",
  /** The whole cluster is killed at a random moment. */
  "kill-all",
  /** They kill themselves where they write or say something. */
  "kill-at-point",
  /** They are killed, and again while they start. */
  "kill-at-start",
  /** The primary is killed, and another one where it votes for, or begins, the next view. */
  "kill-in-view-change",
  /** They stand still and go on: SIGSTOP, SIGCONT. */
  "pause",
  /** They are cut off from everybody and connected again. */
  "partition",
  /** One is cut off, another is killed. */
  "partition-and-kill",
  /** The database server of all replicas is killed and started again. */
  "database-kill",
  /** It stands still and goes on. */
  "database-pause",
] as const;
/** One of `FAULT_KINDS`. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** How often each comes, relative to the others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  kill: 22,
  "kill-all": 5,
  "kill-at-point": 38,
  "kill-at-start": 14,
  "kill-in-view-change": 6,
  pause: 5,
  partition: 6,
  "partition-and-kill": 6,
  "database-kill": 10,
  "database-pause": 3,
};

/** What is waited for before the next cycle begins. */
type Settling =
  /** Every replica has caught up, and everything that was seen is checked. */
  | "audit"
  /** Every replica serves. */
  | "serving"
  /** Nothing: the next fault meets replicas that are still starting. */
  | "nothing";

/** Everything about one cycle that is decided in advance. */
export interface Plan {
  readonly kind: FaultKind;
  /** The replicas that are hit; none by what happens to their database. */
  readonly victims: readonly ReplicaId[];
  /** Milliseconds of load before the fault. */
  readonly leadMs: number;
  /** Milliseconds that the fault lasts: until replicas are started again, go on, are connected. */
  readonly lastingMs: number;
  /** By place among the victims: when to die under load, or while starting again. */
  readonly orders: readonly KillOrder[];
  readonly settling: Settling;
}

/** What kind of fault it is, and how many replicas it hits in terms of what a cluster bears. */
export function faultName({ kind, victims }: Plan, replicaCount: number): string {
  return victims.length === 0 ? kind : `${kind} of ${reachOf(victims.length, replicaCount)}`;
}

function reachOf(victimCount: number, replicaCount: number): "one" | "f" | "more than f" | "all" {
  if (victimCount === replicaCount) return "all";
  if (victimCount === 1) return "one";
  return victimCount <= Math.floor((replicaCount - 1) / 3) ? "f" : "more than f";
}

/** Draws a cycle of one of `kinds`. */
export function drawPlan(prng: Prng, replicaCount: number, kinds: readonly FaultKind[]): Plan {
  const kind = drawKind(prng, kinds);
  const ids = Array.from({ length: replicaCount }, (_, id) => id);
  const victims = prng.sample(ids, drawVictimCount(prng, kind, replicaCount));
  return {
    kind,
    victims,
    leadMs: prng.below(60),
    lastingMs: drawLasting(prng, kind),
    orders: victims.map(() => drawOrder(prng, kind)),
    settling: prng.chance(0.5) ? "audit" : prng.chance(0.7) ? "serving" : "nothing",
  };
}

function drawKind(prng: Prng, kinds: readonly FaultKind[]): FaultKind {
  const total = kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
  let left = prng.range(0, total);
  for (const kind of kinds) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return kinds[0] ?? "kill";
}

function drawVictimCount(prng: Prng, kind: FaultKind, replicaCount: number): number {
  const faulty = Math.floor((replicaCount - 1) / 3);
  if (kind === "kill-all") return replicaCount;
  if (kind.startsWith("database-")) return 0;
  if (kind === "partition-and-kill") return 2;
  if (kind === "kill-in-view-change") return 1;
  const choice = prng.fraction();
  if (choice < 0.6) return 1;
  if (choice < 0.7) return faulty;
  return choice < 0.82 ? faulty + 1 : replicaCount;
}

/** Mostly short, now and then long enough to fall behind the others' log. */
function drawLasting(prng: Prng, kind: FaultKind): number {
  const isLong = prng.chance(0.1);
  if (kind === "pause" || kind === "database-pause")
    return isLong ? prng.range(2_000, 4_000) : prng.range(50, 1_500);
  if (kind === "partition") return isLong ? prng.range(1_000, 2_500) : prng.range(50, 800);
  return isLong ? prng.range(300, 1_500) : prng.exponential(40);
}

function pointsFor(kind: FaultKind): readonly KillPoint[] {
  if (kind === "kill-at-start") return START_POINTS;
  return kind === "kill-in-view-change" ? VIEW_CHANGE_POINTS : LOAD_POINTS;
}

/** At which time that its moment comes a replica dies, at most: a start has few of each. */
const COUNTDOWN_MAX = 6;
const COUNTDOWN_AT_START_MAX = 2;

function drawOrder(prng: Prng, kind: FaultKind): KillOrder {
  const { operation, phases } = prng.pick(pointsFor(kind));
  const countdownMax = kind === "kill-at-point" ? COUNTDOWN_MAX : COUNTDOWN_AT_START_MAX;
  return { operation, phase: prng.pick(phases), countdown: prng.between(1, countdownMax) };
}

/** Settings of a cluster: short timeouts, and windows from the smallest to the usual. */
export function drawSettings(prng: Prng): Partial<ClusterSettings> {
  const checkpointIntervalSlots = prng.pick([2, 8, 32, 128]);
  const viewChangeTicks = prng.pick([20, 40, 80]);
  return {
    checkpointIntervalSlots,
    windowSlots: checkpointIntervalSlots * prng.pick([2, 4]),
    batchesInFlightMax: prng.pick([1, 4, 8]),
    viewChangeTicks,
    viewChangeTicksMax: 8 * viewChangeTicks,
    stalledStatusTicks: prng.pick([3, 5]),
    idleStatusTicks: prng.pick([10, 30]),
  };
}

/** How hard the clients of a cluster work. */
export function drawLoad(prng: Prng, patienceMs: number): LoadOptions {
  return {
    lanesPerClient: prng.between(1, 4),
    thinkMs: prng.range(2, 25),
    tryMs: prng.between(300, 1_200),
    patienceMs,
  };
}

/** A plan in a line of a log. */
export function describePlan(plan: Plan): string {
  const { kind, victims, leadMs, lastingMs, orders, settling } = plan;
  const dying = orders.map(
    ({ operation, phase, countdown }) => `${phase} ${operation} ${countdown}`,
  );
  const isOrdered = ["kill-at-point", "kill-at-start", "kill-in-view-change"].includes(kind);
  const whom = victims.length === 0 ? "" : ` of ${victims.join(", ")}`;
  const where = isOrdered ? `at ${dying.join(", ")}, ` : "";
  const time = `after ${leadMs} ms for ${Math.round(lastingMs)} ms`;
  return `${kind}${whom} ${time}, ${where}then ${settling}`;
}
