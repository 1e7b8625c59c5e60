import { LatencyHistogram } from "../../src/cli/bench/latency-histogram.js";
import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import type { LedgerClient, LedgerOutcome } from "../../src/io/ledger-client.js";
import { Prng } from "../../src/cli/bench/prng.js";
import { accountName } from "./private-cluster.js";
import { rounded } from "./usage.js";
import type { Figures } from "./tool.js";

/** What is asked: balance queries, or deposits and moves in equal parts. */
export type LoadKind = "read" | "write";

/** Operations drawn before the load starts; it goes round in them. */
const OPERATIONS_DRAWN = 65_536;

const AMOUNT_MAX = 20;
const TIMEOUT_MS = 30_000;
const MS_PER_SECOND = 1_000;
const MICROS_PER_MS = 1_000;

/** An endless stream of operations on random accounts; costs nothing while it is measured. */
export class Operations {
  readonly #drawn: readonly LedgerOperation[];
  #next = 0;

  constructor(kind: LoadKind, accountCount: number, seed: number) {
    const prng = new Prng(seed);
    const draw = (): LedgerOperation => drawOperation(prng, kind, accountCount);
    this.#drawn = Array.from({ length: OPERATIONS_DRAWN }, draw);
  }

  /** The next `count`, up to `OPERATIONS_DRAWN`. */
  take(count: number): readonly LedgerOperation[] {
    if (this.#next + count > this.#drawn.length) this.#next = 0;
    this.#next += count;
    return this.#drawn.slice(this.#next - count, this.#next);
  }
}

function drawOperation(prng: Prng, kind: LoadKind, accountCount: number): LedgerOperation {
  const first = prng.below(accountCount);
  const account = accountName(first);
  if (kind === "read") return { kind: "get", account };
  const amount = BigInt(1 + prng.below(AMOUNT_MAX));
  if (prng.below(2) === 0) return { kind: "deposit", account, amount };
  const target = accountName((first + 1 + prng.below(accountCount - 1)) % accountCount);
  return { kind: "move", source: account, target, amount };
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
  note(outcomes: readonly LedgerOutcome[], startMsOf: (index: number) => number): void {
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

/**
 * Keeps `inFlight` operations outstanding, spread over `clients`, until the returned function is
 * called: each client submits its share together, and again when all of it is answered.
 */
export function closedLoop(
  clients: readonly LedgerClient[],
  inFlight: number,
  operations: Operations,
  meter: LoadMeter,
): () => Promise<void> {
  let isStopped = false;
  const lane = async (client: LedgerClient, share: number): Promise<void> => {
    while (!isStopped) {
      const startMs = performance.now();
      const outcomes = await runShare(client, operations.take(share));
      meter.note(outcomes, () => startMs);
    }
  };
  const used = clients.slice(0, Math.min(clients.length, inFlight));
  const lanes = used.map((client, index) => {
    const share = Math.floor(inFlight / used.length) + (index < inFlight % used.length ? 1 : 0);
    return lane(client, share);
  });
  return async () => {
    isStopped = true;
    await Promise.all(lanes);
  };
}

async function runShare(
  client: LedgerClient,
  operations: readonly LedgerOperation[],
): Promise<readonly LedgerOutcome[]> {
  const [only] = operations;
  if (operations.length > 1 || only === undefined) {
    return client.runAll(operations, { timeoutMs: TIMEOUT_MS });
  }
  return [await client.run(only, { timeoutMs: TIMEOUT_MS })];
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
