import { BulkOperations, runClosedLoop } from "../../src/cli/bench/closed-loop.js";
import type { BulkKind } from "../../src/cli/bench/closed-loop.js";
import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import type { MeasuredOutcome } from "../../src/cli/bench/measured-client.js";
import type { LedgerClient } from "../../src/io/ledger-client.js";
import { accountName } from "./private-cluster.js";
import { rounded } from "./usage.js";
import type { Figures } from "./tool.js";

/** Deadline of an operation, in milliseconds. */
const TIMEOUT_MS = 30_000;

const MS_PER_SECOND = 1_000;
const MICROS_PER_MS = 1_000;

/** An endless stream of operations on the accounts of a private cluster. */
export class Operations extends BulkOperations {
  constructor(kind: BulkKind, accountCount: number, seed: number) {
    super(kind, { count: accountCount, nameOf: accountName }, seed);
  }
}

/** What a load did, between the end of the warm-up and the end. */
export class LoadMeter {
  readonly #histogram = new LatencyHistogram();
  readonly #failures = new Map<string, number>();
  #startedMs = performance.now();
  #endedMs = this.#startedMs;
  #doneCount = 0;
  isOpen = false;

  /** Operations that succeeded. */
  get doneCount(): number {
    return this.#doneCount;
  }

  /** From now on it counts. */
  open(): void {
    this.isOpen = true;
    this.#startedMs = performance.now();
  }

  /** From now on it does not. */
  close(): void {
    this.isOpen = false;
    this.#endedMs = performance.now();
  }

  /** Notes outcomes that came now, of operations meant to start at `startsMs[i]`. */
  note(outcomes: readonly MeasuredOutcome[], startMsOf: (index: number) => number): void {
    if (!this.isOpen) return;
    const nowMs = performance.now();
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.ok) this.#doneCount += 1;
      else this.#failures.set(outcome.code, 1 + (this.#failures.get(outcome.code) ?? 0));
      if (outcome.ok) this.#histogram.record((nowMs - startMsOf(index)) * MICROS_PER_MS);
    }
  }

  /** Rate, latencies and failures. */
  figures(): Figures {
    const seconds = (this.#endedMs - this.#startedMs) / MS_PER_SECOND;
    const { meanMs, p50Ms, p99Ms, p999Ms } = this.#histogram.summary();
    const failures = [...this.#failures].map(([code, count]) => [`failed:${code}`, count] as const);
    return {
      operations: this.#doneCount,
      operationsPerSecond: Math.round(this.#doneCount / seconds),
      meanMs: rounded(meanMs),
      p50Ms: rounded(p50Ms),
      p99Ms: rounded(p99Ms),
      p999Ms: rounded(p999Ms),
      ...Object.fromEntries(failures),
    };
  }
}

/** Keeps `inFlight` operations outstanding until the returned function is called. */
export function closedLoop(
  clients: readonly LedgerClient[],
  inFlight: number,
  operations: Operations,
  meter: LoadMeter,
): () => Promise<void> {
  let isStopped = false;
  const ended = runClosedLoop({
    ...{ clients, inFlight, operations, timeoutMs: TIMEOUT_MS },
    nowMicros: () => performance.now() * MICROS_PER_MS,
    isOver: () => isStopped,
    onOutcomes: (outcomes, startMicros) => meter.note(outcomes, () => startMicros / MICROS_PER_MS),
  });
  return async () => {
    isStopped = true;
    await ended;
  };
}

/**
 * Starts `ratePerSecond` operations a second until the returned function is called, come what may.
 * Latency counts from the intended start of each, so that a stall shows in all that should have
 * started meanwhile ("coordinated omission").
 */
export function openLoop(
  clients: readonly LedgerClient[],
  ratePerSecond: number,
  operations: Operations,
  meter: LoadMeter,
): () => Promise<void> {
  const beganMs = performance.now();
  const pending = new Set<Promise<void>>();
  const startMsAt = (index: number): number => beganMs + (index * MS_PER_SECOND) / ratePerSecond;
  let startedCount = 0;
  let turn = 0;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - beganMs;
    const dueCount = Math.floor((elapsedMs * ratePerSecond) / MS_PER_SECOND);
    while (startedCount < dueCount) {
      const first = startedCount;
      const count = Math.min(dueCount - first, BURST_MAX);
      const client = clients[turn % clients.length];
      if (client === undefined) return;
      turn += 1;
      startedCount += count;
      const run = client
        .runAll(operations.take(count), { timeoutMs: TIMEOUT_MS })
        .then((outcomes) => {
          pending.delete(run);
          meter.note(outcomes, (index) => startMsAt(first + index));
        });
      pending.add(run);
    }
  }, 1);
  return async () => {
    clearInterval(timer);
    await Promise.all(pending);
  };
}

/** Operations that an open loop submits together at most. */
const BURST_MAX = 1_024;
