/*
 * How long recovery may take (I16). Section 5 of the rules bounds single faults by T, f and a
 * second; here the same is said of whatever a seed brings about. The parts:
 *
 *   client    the longest time between two tries of a client (CL2)
 *   status    the longest time between two statuses of a replica (RT1)
 *   network   delays of agreement, a view change, and what statuses and answers take
 *   views     each primary that is away or lies, and the one after them, costs the time that a
 *             request waits and the time that a new view takes: 2 T, T doubled at most (VT1, VT3)
 *   stores    a full window waits for checkpoints, and these for the databases (CK2, VT6)
 *   reading   a fetched state that is read in when the network is healed (ST4)
 *   queue     batches one after another for what already waits when the network is healed
 *   slack     the second of F3, for disks, execution and the steps of looking
 *
 * Over seeds 1 to 2500 the core as it is needed at most 0.69 of what these sums allow, and at most
 * 0.3 in 99 of 100 runs, so a bug that makes recovery some times as long is seen.
 */
import type { ClientId } from "../../../src/core/base/ids.js";
import type { StrategyName } from "../byzantine/draw-liar.js";
import { Violation } from "../failure.js";
import type { SimOptions } from "../options.js";
import { type Micros, MS, SECOND } from "../scheduler.js";
import type { ClientWatcher, Completion, Invocation } from "../watch.js";

/** What F3 allows on top of T. */
const SLACK: Micros = SECOND;

/** One-way delays in a row: three of agreement, three of a view change, questions and answers. */
const DELAYS_MAX = 20;

/** One-way delays of the three phases. */
const DELAYS_PER_BATCH = 3;

/** Database transactions in a row: two for each of the windows that recovery goes through. */
const STORES_MAX = 8;

/** Request and new view. */
const TIMEOUTS_PER_VIEW = 2;

/** A read that gets no quorum is ordered, and that may have to be tried again. */
const TRIES_OF_READ = 2;

/** Liars who also hold back what others say, for as long as they like. */
const HUSHING: readonly StrategyName[] = ["unseatedPrimaries", "favourite"];

/** Where delays and disks are slower than this share of T, views may change without any fault. */
const TIMELY_SHARE = 1 / 20;

/** Longest that each step of recovery may take. */
interface RecoveryBounds {
  /** Until every client has the answers it waits for. */
  readonly served: Micros;
  /** From then on, until all of the core have executed everything; none may have forgotten. */
  readonly converged: Micros;
  /** From their return on, until those who were away have too (I14). */
  readonly caughtUp: Micros;
}

/** How things stand when the network is healed. */
interface Outset {
  /** Replicas that can't be counted on. */
  readonly absent: number;
  /** Requests in the pool of the replica that has most. */
  readonly waiting: number;
  /** How long it takes until the last of the states that are being read in is. */
  readonly reading: Micros;
}

/** The bounds of a healed network. */
export function recoveryBounds(
  options: SimOptions,
  { absent, waiting, reading }: Outset,
): RecoveryBounds {
  const { faults, network, protocol } = options;
  const delay = Math.max(network.delayMin, network.healedDelayMin) + 2 * MS;
  const ticks = tickOf(options);
  const status = 2 * protocol.idleStatusTicks * ticks;
  const base = SLACK + reading + status + DELAYS_MAX * delay + STORES_MAX * faults.storeMean;
  const batches = Math.ceil(waiting / protocol.batchRequestsMax);
  const queue = batches * DELAYS_PER_BATCH * delay;
  const views = (absent + 1) * TIMEOUTS_PER_VIEW * protocol.viewChangeTicksMax * ticks;
  return {
    served: base + options.clients.retryTicksMax * ticks + views + queue,
    converged: base + views,
    caughtUp: base + TIMEOUTS_PER_VIEW * protocol.viewChangeTicksMax * ticks,
  };
}

/** @throws Violation when `step` of recovery took longer than it may. */
export function checkRecovery(step: keyof RecoveryBounds, taken: Micros, bound: Micros): void {
  if (taken <= bound) return;
  const sentence = `${step} after ${seconds(taken)} s, where ${seconds(bound)} s are the most`;
  throw new Violation("I16 recovery time", sentence);
}

/**
 * Where nothing is lost or late and up to f replicas lie, each operation is one recovery: it may
 * have come when the primary began to lie (A1 to A6, A9, A10).
 */
export class RecoveryTime implements ClientWatcher {
  readonly #now: () => Micros;
  readonly #bound: Micros;
  readonly #begun = new Map<number, { readonly client: ClientId; readonly at: Micros }>();

  constructor(options: SimOptions, now: () => Micros) {
    this.#now = now;
    this.#bound = isFair(options) ? operationBound(options) : Infinity;
  }

  onInvoke({ operation, client }: Invocation): void {
    if (this.#bound < Infinity) this.#begun.set(operation, { client, at: this.#now() });
  }

  onComplete({ operation }: Completion): void {
    const begun = this.#begun.get(operation);
    this.#begun.delete(operation);
    if (begun === undefined || this.#now() - begun.at <= this.#bound) return;
    const taken = seconds(this.#now() - begun.at);
    const most = `${seconds(this.#bound)} s are the most`;
    const sentence = `client ${begun.client} waited for ${taken} s, where ${most}`;
    throw new Violation("I16 recovery time", sentence);
  }
}

function operationBound(options: SimOptions): Micros {
  const { byzantine, clients, faults, network } = options;
  const { served } = recoveryBounds(options, { absent: byzantine.length, waiting: 0, reading: 0 });
  const again = (TRIES_OF_READ - 1) * clients.retryTicksMax * tickOf(options);
  return served + again + DELAYS_MAX * (network.delayMean + faults.syncMean);
}

/** Whether liars are all that is wrong in this run, before and after it heals. */
function isFair({ network, faults, mishaps, ...options }: SimOptions): boolean {
  const timely = TIMELY_SHARE * options.protocol.viewChangeTicks * options.tick;
  const isLossless =
    network.lossShare === 0 && network.corruptShare === 0 && network.lossyKinds.length === 0;
  const isWhole = network.clogEvery === 0 && network.partitionEvery === 0;
  const isUp = faults.crashEvery === 0 && faults.pauseEvery === 0 && options.forgetEvery === 0;
  const delays = [network.delayMin + network.delayMean, network.healedDelayMin, faults.syncMean];
  const isTimely = delays.every((delay) => delay <= timely);
  const failing = [mishaps.syncStallShare, mishaps.syncErrorShare, mishaps.longPause];
  const isSound = [
    ...failing,
    mishaps.storeStallShare,
    mishaps.storeErrorShare,
    mishaps.executionStallShare,
    mishaps.readingMax,
  ].every((share) => share === 0);
  const isFree =
    options.adversaries.length === 0 &&
    !options.byzantine.some(({ strategies }) => HUSHING.some((one) => strategies.includes(one)));
  return isLossless && isWhole && isUp && isTimely && isSound && isFree;
}

/** The longest that a tick takes by any clock. */
function tickOf({ tick, faults }: SimOptions): Micros {
  return tick * (1 + faults.driftMax);
}

function seconds(time: Micros): string {
  return (time / SECOND).toFixed(2);
}
