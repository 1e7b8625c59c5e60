import type { LedgerOperation } from "../../core/ledger/operation.js";
import { awaitAgreement } from "./agreement.js";
import type { Agreement } from "./agreement.js";
import type { LatencyHistogram } from "./latency-histogram.js";
import type { LoadClock } from "./load-clock.js";
import { runLoad } from "./load.js";
import type { LoadObserver, LoadOptions, LoadResult } from "./load.js";
import type { MeasuredOutcome } from "./measured-client.js";
import type { MeasuredCluster, MeasuredSession } from "./measured-cluster.js";
import { Partitions } from "./partitions.js";
import type { PartitionReport } from "./partitions.js";
import { PredictedBalances } from "./predicted-balances.js";
import { progressOfAll } from "./present-view.js";
import type { PassReport, ViewReport } from "./row-report.js";
import { warmUpCount } from "./table1.js";
import type { RowPlan } from "./table1.js";
import { Timeline } from "./timeline.js";
import type { TimelineReport } from "./timeline.js";
import { Workload } from "./workload.js";

const MICROS_PER_MS = 1_000;
const MICROS_PER_SECOND = 1_000_000;

/** What the passes of one run share. */
interface PassContext {
  readonly cluster: MeasuredCluster;
  readonly sessions: readonly MeasuredSession[];
  /** Seed of the run; each pass draws its operations from its own. */
  readonly seed: number;
  /** Position of the pass in the run, 1 and up. */
  readonly passNumber: number;
  readonly load: LoadOptions;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
}

/** A measured pass: its figures, and the distributions to be joined with those of other passes. */
export interface MeasuredPass {
  readonly report: PassReport;
  readonly all: LatencyHistogram;
  readonly reads: LatencyHistogram;
  readonly writes: LatencyHistogram;
}

/**
 * Warms up, measures a row once with its partitions, then waits until every replica that was
 * healed has caught up and compares the databases.
 */
export async function measurePass(
  context: PassContext,
  plan: RowPlan,
  onOperation: () => void,
): Promise<MeasuredPass> {
  const { cluster, clock, signal } = context;
  const before = await awaitAgreement(cluster, 0, clock, signal);
  const workload = new Workload(context.seed + context.passNumber, balancesOf(before));
  const predicted = new PredictedBalances(balancesOf(before));
  const viewChangesBefore = await viewChangeCounts(cluster);
  const drive = (count: number, partitionCount: number): Promise<DrivenLoad> => {
    const partitions = new Partitions(cluster, partitionCount, count, clock, signal);
    const operations = workload.operations(plan.kind, count);
    return driveLoad(context, operations, partitions, (operation, outcome) => {
      predicted.note(operation, outcome);
      onOperation();
    });
  };
  const warmUp = await drive(warmUpCount(plan), 0);
  const driven = await drive(plan.iterations, plan.partitionCount);
  const { result } = driven;
  const seqMin = Math.max(warmUp.result.sequenceMax, result.sequenceMax);
  const after = await awaitAgreement(cluster, seqMin, clock, signal);
  const report: PassReport = {
    ...figuresOf(driven),
    viewChangeCount: countIncrease(viewChangesBefore, await viewChangeCounts(cluster)),
    consistent: after.identical,
    consistency: after.explanation,
    balancesAsPredicted: predicted.unknownCount > 0 ? null : isAsPredicted(after, predicted),
  };
  return { report, all: result.all, reads: result.reads, writes: result.writes };
}

interface DrivenLoad {
  readonly result: LoadResult;
  readonly partitions: readonly PartitionReport[];
  readonly views: readonly ViewReport[];
  readonly timeline: TimelineReport;
}

/** Whatever happens, no replica is left cut off. */
async function driveLoad(
  { sessions, load, clock, signal }: PassContext,
  operations: Iterable<LedgerOperation>,
  partitions: Partitions,
  onOutcome: (operation: LedgerOperation, outcome: MeasuredOutcome) => void,
): Promise<DrivenLoad> {
  const startMicros = clock.nowMicros();
  const timeline = new Timeline();
  const views: ViewReport[] = [];
  const observer: LoadObserver = {
    starting: (index) => partitions.starting(index),
    finished: (operation, outcome, latencyMicros) => {
      const atMicros = clock.nowMicros() - startMicros;
      timeline.record(atMicros, latencyMicros);
      noteView(views, outcome, atMicros / MICROS_PER_MS);
      partitions.finished(outcome);
      onOutcome(operation, outcome);
    },
  };
  try {
    const result = await runLoad(sessions, operations, load, clock, signal, observer);
    const reports = await partitions.reports();
    return { result, partitions: reports, views, timeline: timeline.report() };
  } finally {
    await partitions.end();
  }
}

/** A replica that was away may still answer from an old view: only higher ones are news. */
function noteView(views: ViewReport[], outcome: MeasuredOutcome, atMs: number): void {
  if (outcome.ok && outcome.view > (views.at(-1)?.view ?? -1)) {
    views.push({ view: outcome.view, atMs });
  }
}

/** The balances in the first replica's table, by account. */
function balancesOf(agreement: Agreement): Map<string, bigint> {
  const accounts = agreement.tables[0]?.accounts ?? [];
  return new Map(accounts.map((row) => [row.account, row.balance]));
}

function figuresOf({ result, partitions, views, timeline }: DrivenLoad) {
  const failureCount = [...result.failures.values()].reduce((sum, count) => sum + count, 0);
  const okCount = result.all.count - failureCount;
  return {
    durationMs: result.durationMicros / MICROS_PER_MS,
    opsPerSecond: (okCount * MICROS_PER_SECOND) / Math.max(result.durationMicros, 1),
    latency: result.all.summary(),
    failures: Object.fromEntries(result.failures),
    views,
    partitions,
    timeline,
  };
}

async function viewChangeCounts(cluster: MeasuredCluster): Promise<(number | null)[]> {
  const answers = await progressOfAll(cluster);
  return answers.map((progress) => progress?.viewChanges ?? null);
}

/** The largest increase that a replica saw: one view change is counted by each that took part. */
function countIncrease(
  before: readonly (number | null)[],
  after: readonly (number | null)[],
): number {
  const increases = after.map((count, replica) => (count ?? 0) - (before[replica] ?? 0));
  return Math.max(0, ...increases);
}

function isAsPredicted(after: Agreement, predicted: PredictedBalances): boolean {
  const found = balancesOf(after);
  const expected = predicted.balances();
  return (
    found.size === expected.size &&
    [...expected].every(([account, balance]) => found.get(account) === balance)
  );
}
