import type { ReplicaId, Seq, View } from "../../core/base/ids.js";
import { awaitCatchUp } from "./catch-up.js";
import type { LoadClock } from "./load-clock.js";
import type { MeasuredOutcome } from "./measured-client.js";
import type { MeasuredCluster } from "./measured-cluster.js";
import { presentView } from "./present-view.js";

/** A replica that was cut off from everybody during a row, and healed. */
export interface PartitionReport {
  readonly replica: ReplicaId;
  /** The view at the time when it was cut off, and whether it led it. */
  readonly view: View;
  readonly wasPrimary: boolean;
  /** Operations of the row that were begun before it was cut off, and before it was healed. */
  readonly cutOffAt: number;
  readonly healedAt: number;
  /** Milliseconds from the row's first operation until it was cut off, and until it was healed. */
  readonly cutOffMs: number;
  readonly healedMs: number;
  /**
   * Milliseconds from the healing until its own database held all that clients had been answered
   * by then; null when it never did.
   */
  readonly catchUpMs: number | null;
}

interface Step {
  readonly kind: "cut-off" | "heal";
  readonly at: number;
}

type CutOff = Omit<PartitionReport, "healedAt" | "healedMs" | "catchUpMs">;

const MICROS_PER_MS = 1_000;

/** Most partitions of one row: a typing error must not start a day's work. */
export const PARTITIONS_MAX = 1_000;

/**
 * Operations that a row with `partitionCount` partitions needs at least: between any two steps
 * there must be one.
 */
export function iterationsMin(partitionCount: number): number {
  return 2 * partitionCount + 1;
}

/**
 * Cuts replicas off and heals them while a row is measured, one after the other, spread evenly:
 * a single one from a third of the operations to two thirds. Which operation comes next decides
 * when, not the clock, so that a run repeats. The victims are the primary of the time and a backup
 * in turn.
 */
export class Partitions {
  readonly #cluster: MeasuredCluster;
  readonly #clock: LoadClock;
  readonly #startMicros: number;
  readonly #signal: AbortSignal;
  readonly #steps: Step[];
  /** The steps so far, one after the other. */
  #progress: Promise<void> = Promise.resolve();
  #cutOff: CutOff | null = null;
  readonly #victims = new Set<ReplicaId>();
  readonly #healed: Promise<PartitionReport>[] = [];
  /** Last batch that a client was answered from. */
  #seq: Seq = 0;

  /** @param iterations operations of the row, at least `iterationsMin(count)`. */
  constructor(
    cluster: MeasuredCluster,
    count: number,
    iterations: number,
    clock: LoadClock,
    signal: AbortSignal,
  ) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#startMicros = clock.nowMicros();
    this.#signal = signal;
    this.#steps = Array.from({ length: 2 * count }, (_, index) => ({
      kind: index % 2 === 0 ? "cut-off" : "heal",
      at: Math.floor(((index + 1) * iterations) / (2 * count + 1)),
    }));
  }

  /** Resolves when everything that must be done before operation `index`, from 0, is in effect. */
  starting(index: number): Promise<void> {
    while (this.#steps[0] !== undefined && this.#steps[0].at <= index) {
      const step = this.#steps.shift() as Step;
      this.#progress = this.#progress.then(() =>
        step.kind === "cut-off" ? this.#cutOffNext(step.at) : this.#heal(step.at),
      );
    }
    return this.#progress;
  }

  /** Learns from an outcome how far the cluster is. */
  finished(outcome: MeasuredOutcome): void {
    if (outcome.ok) this.#seq = Math.max(this.#seq, outcome.sequence);
  }

  /** Heals whoever is still cut off, as when the row broke off. */
  async end(): Promise<void> {
    // The lane that began the step has reported its failure.
    await this.#progress.catch(() => undefined);
    if (this.#cutOff !== null) await this.#cluster.inject("connect", this.#cutOff.replica);
    this.#cutOff = null;
  }

  /** What was done, once every replica that was healed has caught up or is given up. */
  reports(): Promise<PartitionReport[]> {
    return Promise.all(this.#healed);
  }

  get #elapsedMs(): number {
    return (this.#clock.nowMicros() - this.#startMicros) / MICROS_PER_MS;
  }

  async #cutOffNext(cutOffAt: number): Promise<void> {
    const { view, primary } = await presentView(this.#cluster);
    const wasPrimary = this.#healed.length % 2 === 0;
    const replica = wasPrimary ? primary : this.#backupOf(primary);
    await this.#cluster.inject("cut-off", replica);
    this.#victims.add(replica);
    this.#cutOff = { replica, view, wasPrimary, cutOffAt, cutOffMs: this.#elapsedMs };
  }

  /** The one after the primary that was not yet cut off, if there is one. */
  #backupOf(primary: ReplicaId): ReplicaId {
    const { replicaCount } = this.#cluster;
    const backups = Array.from(
      { length: replicaCount - 1 },
      (_, index) => (primary + 1 + index) % replicaCount,
    );
    const fresh = backups.find((replica) => !this.#victims.has(replica));
    return fresh ?? (backups[0] as ReplicaId);
  }

  async #heal(healedAt: number): Promise<void> {
    const cutOff = this.#cutOff;
    if (cutOff === null) return;
    const seq = this.#seq;
    await this.#cluster.inject("connect", cutOff.replica);
    this.#cutOff = null;
    const healed = this.#watch(cutOff, healedAt, seq);
    // A failure belongs to whoever asks for the reports; if the row broke off, nobody does.
    healed.catch(() => undefined);
    this.#healed.push(healed);
  }

  async #watch(cutOff: CutOff, healedAt: number, seq: Seq): Promise<PartitionReport> {
    const { replica } = cutOff;
    const healedMs = this.#elapsedMs;
    const nowMicros = this.#clock.nowMicros();
    const catchUpMs = await awaitCatchUp(
      this.#cluster,
      replica,
      seq,
      nowMicros,
      this.#clock,
      this.#signal,
    );
    return { ...cutOff, healedAt, healedMs, catchUpMs };
  }
}
