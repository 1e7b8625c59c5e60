/*
 * What goes wrong in one machine without the network or its neighbours having a part in it: slow
 * and failing disks and databases, executions that wait, and pauses that outlast every timer.
 */
import type { Machine } from "./machine.js";
import type { Prng } from "./prng.js";
import { type Micros, MS, SECOND } from "./scheduler.js";
import type { World } from "./world.js";

/** How disks, databases and clocks fail. */
export interface MishapOptions {
  /** Share of the writes that take up to a second, and that fail. */
  readonly syncStallShare: number;
  readonly syncErrorShare: number;
  /**
   * Share of the transactions that take up to a second, and that fail: with the connection lost
   * before or after the commit, or given up for a deadlock.
   */
  readonly storeStallShare: number;
  readonly storeErrorShare: number;
  /** Share of the batches that begin to be executed up to a second late: a large ledger rests. */
  readonly executionStallShare: number;
  /** Most time that it takes to read a fetched state in. */
  readonly readingMax: Micros;
  /** One replica freezes so long, once (0: none does). */
  readonly longPause: Micros;
  /** Most that a client's clock jumps to and fro between two of its processes. */
  readonly clockJumpMax: Micros;
}

/** Nothing of the kind. */
export const NO_MISHAPS: MishapOptions = {
  syncStallShare: 0,
  syncErrorShare: 0,
  storeStallShare: 0,
  storeErrorShare: 0,
  executionStallShare: 0,
  readingMax: 0,
  longPause: 0,
  clockJumpMax: 0,
};

/** Share of the runs with such faults, and of those with a pause that is longer than a run. */
const SHARE = 0.35;
const LONG_PAUSE_SHARE = 0.06;

/** Longest time that a stalled disk, database or execution takes. */
const STALL_MAX: Micros = SECOND;

/** A million accounts take that long and longer than most timers run. */
const READING_MAX: Micros = 15 * SECOND;

/** The mishaps of one run. */
export function drawMishaps(prng: Prng): MishapOptions {
  if (!prng.chance(SHARE)) return NO_MISHAPS;
  return {
    syncStallShare: prng.pick([0, 0.01, 0.1]),
    syncErrorShare: prng.pick([0, 0, 0.002, 0.02]),
    storeStallShare: prng.pick([0, 0.02, 0.2]),
    storeErrorShare: prng.pick([0, 0, 0.01, 0.1]),
    longPause: prng.chance(LONG_PAUSE_SHARE) ? prng.range(10, 60) * SECOND : 0,
    clockJumpMax: prng.pick([0, 100 * MS, 5 * SECOND]),
    executionStallShare: prng.pick([0, 0, 0.1, 0.5]),
    readingMax: prng.pick([0, 0, 0, SECOND, READING_MAX]),
  };
}

/** What comes of one write or transaction: how much later it is done; null: never. */
export function mishapOf(prng: Prng, stallShare: number, errorShare: number): Micros | null {
  if (prng.chance(errorShare)) return null;
  return prng.chance(stallShare) ? prng.range(0, STALL_MAX) : 0;
}

/** Freezes one of `machines` for as long as the options say. */
export function startLongPause(world: World, machines: readonly Machine[]): void {
  const { options, prng, scheduler } = world;
  const { longPause } = options.mishaps;
  if (longPause === 0) return;
  const machine = prng.fork("long pause").pick(machines);
  scheduler.after(options.safetyPhase / 4, () => {
    machine.freeze();
    scheduler.after(longPause, () => {
      machine.thaw();
    });
  });
}
