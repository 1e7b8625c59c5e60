import type { LedgerOperation } from "../../core/ledger/operation.js";
import { awaitAgreement } from "./agreement.js";
import type { Agreement } from "./agreement.js";
import type { RowReport } from "./bench-report.js";
import type { LoadClock } from "./load-clock.js";
import { runLoad } from "./load.js";
import type { LoadObserver, LoadOptions, LoadResult } from "./load.js";
import type { MeasuredCluster, MeasuredSession } from "./measured-cluster.js";
import { Partitions } from "./partitions.js";
import type { PartitionReport } from "./partitions.js";
import { PredictedBalances } from "./predicted-balances.js";
import { progressOfAll } from "./present-view.js";
import { warmUpCount } from "./table1.js";
import type { RowPlan } from "./table1.js";
import { Workload } from "./workload.js";

/** Points of the percentile curve for each further nine. */
const CURVE_STEPS_PER_DECADE = 20;

const MICROS_PER_MS = 1_000;
const MICROS_PER_SECOND = 1_000_000;

/** What the rows of one run share. */
interface RowContext {
  readonly cluster: MeasuredCluster;
  readonly sessions: readonly MeasuredSession[];
  /** Seed of the run; each row draws its operations from its own. */
  readonly seed: number;
  /** Position of the row in the run, 1 and up. */
  readonly rowNumber: number;
  readonly load: LoadOptions;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
}

/** A measured row: its figures, and its distribution in HdrHistogram's text format. */
export interface MeasuredRow {
  readonly report: RowReport;
  readonly percentileText: string;
}

/**
 * Warms up, measures one row with its partitions, then waits until every replica that was healed
 * has caught up and compares the databases.
 */
export async function measureRow(
  context: RowContext,
  plan: RowPlan,
  onOperation: () => void,
): Promise<MeasuredRow> {
  const { cluster, clock, signal } = context;
  const before = await awaitAgreement(cluster, 0, clock, signal);
  const workload = new Workload(context.seed + context.rowNumber, balancesOf(before));
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
  const { result, partitions } = await drive(plan.iterations, plan.partitionCount);
  const seqMin = Math.max(warmUp.result.sequenceMax, result.sequenceMax);
  const after = await awaitAgreement(cluster, seqMin, clock, signal);
  const viewChanges = countIncrease(viewChangesBefore, await viewChangeCounts(cluster));
  const report: RowReport = {
    ...figuresOf(plan, result),
    percentileFile: `row-${context.rowNumber}-${plan.kind}.hgrm`,
    warmUpCount: warmUpCount(plan),
    viewChangeCount: viewChanges,
    partitions,
    consistent: after.identical,
    consistency: after.explanation,
    balancesAsPredicted: predicted.unknownCount > 0 ? null : isAsPredicted(after, predicted),
  };
  return { report, percentileText: result.all.percentileText() };
}

interface DrivenLoad {
  readonly result: LoadResult;
  readonly partitions: readonly PartitionReport[];
}

/** Whatever happens, no replica is left cut off. */
async function driveLoad(
  { sessions, load, clock, signal }: RowContext,
  operations: Iterable<LedgerOperation>,
  partitions: Partitions,
  onOutcome: LoadObserver["finished"],
): Promise<DrivenLoad> {
  const observer: LoadObserver = {
    starting: (index) => partitions.starting(index),
    finished: (operation, outcome) => {
      partitions.finished(outcome);
      onOutcome(operation, outcome);
    },
  };
  try {
    const result = await runLoad(sessions, operations, load, clock, signal, observer);
    return { result, partitions: await partitions.reports() };
  } finally {
    await partitions.end();
  }
}

/** The balances in the first replica's table, by account. */
function balancesOf(agreement: Agreement): Map<string, bigint> {
  const accounts = agreement.tables[0]?.accounts ?? [];
  return new Map(accounts.map((row) => [row.account, row.balance]));
}

function figuresOf(plan: RowPlan, result: LoadResult) {
  const failures = Object.fromEntries(result.failures);
  const failureCount = [...result.failures.values()].reduce((sum, count) => sum + count, 0);
  const okCount = result.all.count - failureCount;
  return {
    kind: plan.kind,
    iterations: plan.iterations,
    readCount: result.readCount,
    writeCount: result.writeCount,
    durationMs: result.durationMicros / MICROS_PER_MS,
    opsPerSecond: (okCount * MICROS_PER_SECOND) / Math.max(result.durationMicros, 1),
    latency: result.all.summary(),
    readLatency: result.reads.summary(),
    writeLatency: result.writes.summary(),
    curve: result.all.curve(CURVE_STEPS_PER_DECADE),
    failures,
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
