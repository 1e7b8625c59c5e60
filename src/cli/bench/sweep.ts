import { awaitAgreement } from "./agreement.js";
import { BulkOperations, runClosedLoop } from "./closed-loop.js";
import type { AccountRange, BulkKind, ClosedLoop } from "./closed-loop.js";
import { LatencyHistogram } from "./latency-histogram.js";
import type { LoadClock } from "./load-clock.js";
import { unlessAborted } from "./load.js";
import type { MeasuredCluster, MeasuredSession } from "./measured-cluster.js";
import type { ThroughputPoint, ThroughputReport } from "./row-report.js";
import type { WorkloadKind } from "./workload.js";

/** A sweep over loads: how throughput and latency change as more operations are outstanding. */
export interface SweepPlan {
  /** Numbers of operations outstanding together, each 1 and up, ascending. */
  readonly inFlight: readonly number[];
  /** What is asked; changes to accounts only with "read-write". */
  readonly kinds: readonly WorkloadKind[];
}

/** One at a time, and as many as keep the replicas full, in even steps of a logarithmic axis. */
export const SWEEP_DEFAULT: readonly number[] = [1, 16, 256, 4_096];

/** Most operations that a sweep keeps outstanding. */
export const SWEEP_IN_FLIGHT_MAX = 65_536;

/** Sessions that share the load, unless it is smaller. */
const SESSIONS = 4;

/** How long each load runs before it is measured, and how long it is. */
const WARM_UP_MICROS = 500_000;
const MEASURED_MICROS = 1_500_000;

/** Deadline of an operation: more than a view change takes under load. */
const TIMEOUT_MS = 30_000;

const MICROS_PER_SECOND = 1_000_000;
const MICROS_PER_MS = 1_000;

const SERIES: Readonly<Record<WorkloadKind, readonly [kind: BulkKind, label: string]>> = {
  "read-only": ["read", "reads"],
  "read-write": ["write", "writes"],
};

/** What a sweep runs with. */
interface SweepContext {
  readonly cluster: MeasuredCluster;
  readonly seed: number;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
  /** Hears of each load that was measured. */
  readonly onPoint: (label: string, point: ThroughputPoint) => void;
}

/**
 * Measures reads alone and writes alone under each load of `plan`, with sessions of its own, and
 * compares the databases after each kind. Nobody else may use the cluster meanwhile.
 */
export async function measureSweep(
  context: SweepContext,
  plan: SweepPlan,
): Promise<ThroughputReport[]> {
  const sessions: MeasuredSession[] = [];
  try {
    for (let count = 0; count < SESSIONS; count += 1) {
      sessions.push(await context.cluster.connect());
    }
    const reports: ThroughputReport[] = [];
    for (const kind of plan.kinds) {
      reports.push(await measureSeries(context, sessions, kind, plan.inFlight));
    }
    return reports;
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

async function measureSeries(
  context: SweepContext,
  sessions: readonly MeasuredSession[],
  workload: WorkloadKind,
  loads: readonly number[],
): Promise<ThroughputReport> {
  const { cluster, seed, clock, signal, onPoint } = context;
  const before = await awaitAgreement(cluster, 0, clock, signal);
  const names = (before.tables[0]?.accounts ?? []).map((row) => row.account);
  const accounts = { count: names.length, nameOf: (index: number) => names[index] ?? "" };
  const [kind, label] = SERIES[workload];
  const points: ThroughputPoint[] = [];
  let sequenceMax = 0;
  for (const inFlight of accounts.count === 0 ? [] : loads) {
    const measured = await measureLoad(context, sessions, { kind, inFlight, seed, accounts });
    sequenceMax = Math.max(sequenceMax, measured.sequenceMax);
    points.push(measured.point);
    onPoint(label, measured.point);
  }
  const after = await awaitAgreement(cluster, sequenceMax, clock, signal);
  return {
    ...{ label, points, sessions: SESSIONS, measuredMs: MEASURED_MICROS / MICROS_PER_MS },
    accounts: accounts.count,
    ...{ consistent: after.identical, consistency: after.explanation },
  };
}

interface SweepLoad {
  readonly kind: BulkKind;
  readonly inFlight: number;
  readonly seed: number;
  readonly accounts: AccountRange;
}

async function measureLoad(
  { clock, signal }: SweepContext,
  clients: readonly MeasuredSession[],
  { kind, inFlight, seed, accounts }: SweepLoad,
): Promise<{ readonly point: ThroughputPoint; readonly sequenceMax: number }> {
  const meter = new SweepMeter(clock.nowMicros() + WARM_UP_MICROS);
  const loop: ClosedLoop = {
    ...{ clients, inFlight, timeoutMs: TIMEOUT_MS },
    operations: new BulkOperations(kind, accounts, seed),
    nowMicros: () => clock.nowMicros(),
    isOver: () => signal.aborted || meter.isOver(clock.nowMicros()),
    onOutcomes: (outcomes, startMicros) => meter.note(outcomes, startMicros, clock.nowMicros()),
  };
  await unlessAborted(runClosedLoop(loop), signal);
  return { point: meter.point(inFlight), sequenceMax: meter.sequenceMax };
}

/**
 * Counts what ended between the end of the warm-up and the end, and at least the first that ended
 * after the warm-up: on a slow machine a heavy load may take longer than it is to be measured.
 */
class SweepMeter {
  sequenceMax = 0;
  readonly #beginMicros: number;
  #endMicros: number;
  readonly #histogram = new LatencyHistogram();
  readonly #failures = new Map<string, number>();

  constructor(beginMicros: number) {
    this.#beginMicros = beginMicros;
    this.#endMicros = beginMicros + MEASURED_MICROS;
  }

  isOver(nowMicros: number): boolean {
    const isSomething = this.#histogram.count + this.#failures.size > 0;
    return nowMicros >= this.#endMicros && isSomething;
  }

  note(
    outcomes: Parameters<ClosedLoop["onOutcomes"]>[0],
    startMicros: number,
    nowMicros: number,
  ): void {
    const isFirst = this.#histogram.count === 0;
    if (isFirst) this.#endMicros = Math.max(this.#endMicros, nowMicros);
    const isMeasured = nowMicros > this.#beginMicros && nowMicros <= this.#endMicros;
    for (const outcome of outcomes) {
      if (outcome.ok) this.sequenceMax = Math.max(this.sequenceMax, outcome.sequence);
      else this.#failures.set(outcome.code, (this.#failures.get(outcome.code) ?? 0) + 1);
      if (outcome.ok && isMeasured) this.#histogram.record(nowMicros - startMicros);
    }
  }

  point(inFlight: number): ThroughputPoint {
    const { count, p50Ms, p99Ms } = this.#histogram.summary();
    const opsPerSecond = (count * MICROS_PER_SECOND) / (this.#endMicros - this.#beginMicros);
    const failures = Object.fromEntries(this.#failures);
    return { inFlight, count, opsPerSecond, p50Ms, p99Ms, failures };
  }
}
