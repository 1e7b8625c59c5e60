import { LatencyHistogram } from "./latency-histogram.js";
import type { LoadClock } from "./load-clock.js";
import type { LedgerOperation } from "../../core/ledger/operation.js";
import type { MeasuredClient, MeasuredOutcome } from "./measured-client.js";

/** How operations are offered. */
export interface LoadOptions {
  /** Operations each session may have outstanding, 1 and up. */
  readonly inFlight: number;
  /**
   * Null: closed loop, the next operation starts when one has finished.
   * Else open loop: operation k is meant to start k / ratePerSecond seconds after the first.
   */
  readonly ratePerSecond: number | null;
  /** Deadline of one operation, in milliseconds. */
  readonly timeoutMs: number;
}

/** Follows a load. */
export interface LoadObserver {
  /**
   * Operation `index` (from 0, in order) is next. It starts, and in the closed loop its latency
   * begins, once the promise has resolved.
   */
  starting(index: number): Promise<void>;
  /** An operation has ended, well or not. */
  finished(operation: LedgerOperation, outcome: MeasuredOutcome, latencyMicros: number): void;
}

/** What a load did to the system, and how long its operations took. */
export interface LoadResult {
  readonly readCount: number;
  readonly writeCount: number;
  /** Failures by code; "timeout" means that the outcome is unknown. */
  readonly failures: ReadonlyMap<string, number>;
  /** From the first start to the last end, in microseconds. */
  readonly durationMicros: number;
  /** Highest sequence number that any answer named; 0 when none did. */
  readonly sequenceMax: number;
  readonly all: LatencyHistogram;
  readonly reads: LatencyHistogram;
  readonly writes: LatencyHistogram;
}

const MICROS_PER_SECOND = 1_000_000;

/**
 * Drives `operations` through `clients` and measures each one. Failures are counted, and timed too.
 *
 * In the open loop the latency counts from the *intended* start, not from the moment of sending:
 * when the system stalls, the operations that should have started meanwhile show their whole wait,
 * instead of being left out because the generator was held up as well ("coordinated omission").
 * @throws whatever `client.run`, `observer.starting` or `signal` throws: a session that broke ends
 * the measurement.
 */
export async function runLoad(
  clients: readonly MeasuredClient[],
  operations: Iterable<LedgerOperation>,
  options: LoadOptions,
  clock: LoadClock,
  signal: AbortSignal,
  observer: LoadObserver,
): Promise<LoadResult> {
  const load = new Load(operations, options, clock, signal, observer);
  const lanes = clients.flatMap((client) =>
    Array.from({ length: options.inFlight }, () => load.lane(client)),
  );
  await unlessAborted(Promise.all(lanes), signal);
  return load.result();
}

/**
 * What comes of `work`, but not later than `signal` aborts: an operation with a far deadline must
 * not delay the end.
 * @throws what `work` throws, or the signal's reason.
 */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const ended = new AbortController();
  try {
    return await Promise.race([work, aborted(signal, ended.signal)]);
  } finally {
    ended.abort();
  }
}

function aborted(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true, signal: ended });
  });
}

/** One load under way, shared by its lanes. A lane has at most one operation outstanding. */
class Load {
  readonly #operations: Iterator<LedgerOperation>;
  readonly #options: LoadOptions;
  readonly #clock: LoadClock;
  readonly #signal: AbortSignal;
  readonly #observer: LoadObserver;
  readonly #startMicros: number;
  readonly #all = new LatencyHistogram();
  readonly #reads = new LatencyHistogram();
  readonly #writes = new LatencyHistogram();
  readonly #failures = new Map<string, number>();
  #isBroken = false;
  #lastStart: Promise<void> = Promise.resolve();
  #takenCount = 0;
  #startedCount = 0;
  #sequenceMax = 0;

  constructor(
    operations: Iterable<LedgerOperation>,
    options: LoadOptions,
    clock: LoadClock,
    signal: AbortSignal,
    observer: LoadObserver,
  ) {
    this.#operations = operations[Symbol.iterator]();
    this.#options = options;
    this.#clock = clock;
    this.#signal = signal;
    this.#observer = observer;
    this.#startMicros = clock.nowMicros();
  }

  async lane(client: MeasuredClient): Promise<void> {
    try {
      for (let next = this.#next(); !next.done; next = this.#next()) {
        await this.#observer.starting(this.#takenCount - 1);
        const startMicros = await this.#start();
        const outcome = await client.run(next.value, { timeoutMs: this.#options.timeoutMs });
        this.#record(next.value, outcome, this.#clock.nowMicros() - startMicros);
      }
    } catch (error) {
      this.#isBroken = true; // The other lanes end with the operation they have outstanding.
      throw error;
    }
  }

  result(): LoadResult {
    return {
      readCount: this.#reads.count,
      writeCount: this.#writes.count,
      failures: this.#failures,
      durationMicros: this.#clock.nowMicros() - this.#startMicros,
      sequenceMax: this.#sequenceMax,
      all: this.#all,
      reads: this.#reads,
      writes: this.#writes,
    };
  }

  #next(): IteratorResult<LedgerOperation, unknown> {
    this.#signal.throwIfAborted();
    if (this.#isBroken) return { done: true, value: undefined };
    this.#takenCount += 1;
    return this.#operations.next();
  }

  /** Waits until the next operation may start; returns the time its latency counts from. */
  async #start(): Promise<number> {
    const { ratePerSecond } = this.#options;
    if (ratePerSecond === null) return this.#clock.nowMicros();
    const intendedMicros =
      this.#startMicros + (this.#startedCount * MICROS_PER_SECOND) / ratePerSecond;
    this.#startedCount += 1;
    // Starts are in order, so one lane sleeps at a time and the others queue up behind it.
    this.#lastStart = this.#lastStart.then(() =>
      this.#clock.sleepUntil(intendedMicros, this.#signal),
    );
    await this.#lastStart;
    return intendedMicros;
  }

  #record(operation: LedgerOperation, outcome: MeasuredOutcome, latencyMicros: number): void {
    this.#all.record(latencyMicros);
    (operation.kind === "get" ? this.#reads : this.#writes).record(latencyMicros);
    if (outcome.ok) this.#sequenceMax = Math.max(this.#sequenceMax, outcome.sequence);
    else this.#failures.set(outcome.code, (this.#failures.get(outcome.code) ?? 0) + 1);
    this.#observer.finished(operation, outcome, latencyMicros);
  }
}
