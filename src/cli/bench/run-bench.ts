import type { BenchReport, ExperimentReport } from "./bench-report.js";
import { EXPERIMENTS, runExperiment } from "./experiments.js";
import type { LoadClock } from "./load-clock.js";
import type { LoadOptions } from "./load.js";
import { measureRow } from "./measure-row.js";
import type { MeasuredRow } from "./measure-row.js";
import type { MeasuredCluster, MeasuredSession } from "./measured-cluster.js";
import { runConditions } from "./run-conditions.js";
import type { ClusterConditions } from "./run-conditions.js";
import { warmUpCount } from "./table1.js";
import type { RowPlan } from "./table1.js";

/** What one run is to do. */
export interface BenchPlan {
  /** Whether to repeat the published experiments first: only right on a fresh demo cluster. */
  readonly hasExperiments: boolean;
  readonly rows: readonly RowPlan[];
  /** Client sessions to spread the load over, 1 and up. */
  readonly sessionCount: number;
  readonly load: LoadOptions;
  readonly seed: number;
}

/** Follows a run. */
export interface BenchObserver {
  experimentDone(report: ExperimentReport): void;
  /** A row begins; it will report `operationCount` finished operations, the warm-up included. */
  rowStarted(plan: RowPlan, operationCount: number): void;
  operationDone(): void;
  rowDone(): void;
}

/** A finished run: the report, and what its percentile files hold, by row. */
export interface BenchResult {
  readonly report: BenchReport;
  readonly percentileTexts: readonly string[];
}

/** Runs `plan` on a cluster that is up. Nobody else may change its accounts meanwhile. */
export async function runBench(
  cluster: MeasuredCluster,
  conditions: ClusterConditions,
  plan: BenchPlan,
  observer: BenchObserver,
  clock: LoadClock,
  signal: AbortSignal,
): Promise<BenchResult> {
  const startedAt = new Date().toISOString();
  const sessions: MeasuredSession[] = [];
  try {
    for (let count = 0; count < plan.sessionCount; count += 1) {
      sessions.push(await cluster.connect());
    }
    const run = { cluster, plan, observer, clock, signal, sessions };
    const experiments = plan.hasExperiments ? await runExperiments(run) : [];
    const rows = await runRows(run);
    const { load, seed, sessionCount } = plan;
    const report: BenchReport = {
      startedAt,
      conditions: await runConditions(conditions, { ...load, seed, sessions: sessionCount }),
      experiments,
      rows: rows.map((row) => row.report),
    };
    return { report, percentileTexts: rows.map((row) => row.percentileText) };
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

interface BenchRun {
  readonly cluster: MeasuredCluster;
  readonly plan: BenchPlan;
  readonly observer: BenchObserver;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
  readonly sessions: readonly MeasuredSession[];
}

async function runExperiments(run: BenchRun): Promise<ExperimentReport[]> {
  const { cluster, sessions, clock, signal, observer } = run;
  const reports: ExperimentReport[] = [];
  const [session] = sessions;
  if (session === undefined) return reports;
  for (const experiment of EXPERIMENTS) {
    const report = await runExperiment(experiment, cluster, session, clock, signal);
    observer.experimentDone(report);
    reports.push(report);
  }
  return reports;
}

async function runRows(run: BenchRun): Promise<MeasuredRow[]> {
  const { plan, observer } = run;
  const rows: MeasuredRow[] = [];
  for (const [index, row] of plan.rows.entries()) {
    const context = { ...run, load: plan.load, seed: plan.seed, rowNumber: index + 1 };
    observer.rowStarted(row, warmUpCount(row) + row.iterations);
    rows.push(await measureRow(context, row, () => observer.operationDone()));
    observer.rowDone();
  }
  return rows;
}
