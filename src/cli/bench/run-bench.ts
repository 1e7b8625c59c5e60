import { DURABILITIES } from "../../io/config-schema.js";
import type { Durability } from "../../io/config-schema.js";
import { measureBaseline } from "./baseline.js";
import type { MeasuredBaseline } from "./baseline.js";
import { RUN_FORMAT, RUN_VERSION } from "./bench-report.js";
import type { BenchReport, ExperimentReport } from "./bench-report.js";
import { combinePasses } from "./combine-passes.js";
import type { MeasuredRow } from "./combine-passes.js";
import { EXPERIMENTS, runExperiment } from "./experiments.js";
import type { LoadClock } from "./load-clock.js";
import type { LoadOptions } from "./load.js";
import { measurePass } from "./measure-pass.js";
import type { MeasuredPass } from "./measure-pass.js";
import type { MeasuredCluster, MeasuredSession } from "./measured-cluster.js";
import type { ThroughputPoint, ThroughputReport } from "./row-report.js";
import { runConditions } from "./run-conditions.js";
import type { ClusterConditions } from "./run-conditions.js";
import { measureSweep } from "./sweep.js";
import type { SweepPlan } from "./sweep.js";
import { warmUpCount } from "./table1.js";
import type { RowPlan } from "./table1.js";
import { WORKLOAD_KINDS } from "./workload.js";

/** Most passes over a row: a typing error must not start a day's work. */
export const PASSES_MAX = 100;

/** How often each row is measured. */
interface RepeatPlan {
  /** Passes over each row, 1 and up. */
  readonly passes: number;
  /**
   * Milliseconds after which no further pass is begun that would, at the row's last pace, end
   * later; the first pass of each row is always made. Null means that all are.
   */
  readonly budgetMs: number | null;
}

/** What one run is to do. */
export interface BenchPlan {
  /** Whether to repeat the published experiments first: only right on a fresh demo cluster. */
  readonly hasExperiments: boolean;
  readonly rows: readonly RowPlan[];
  readonly repeat: RepeatPlan;
  /** The throughput-latency curve, measured after the rows; null for none. */
  readonly sweep: SweepPlan | null;
  /** Whether to measure the same work without replication too. */
  readonly hasBaseline: boolean;
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
  /** One load of the sweep was measured. */
  loadDone(label: string, point: ThroughputPoint): void;
}

/** A finished run: the report, and what goes into its percentile files. */
export interface BenchResult {
  readonly report: BenchReport;
  readonly distributions: readonly { readonly file: string; readonly text: string }[];
}

const MICROS_PER_MS = 1_000;

/** Runs `plan` on a cluster that is up. Nobody else may change its accounts meanwhile. */
export async function runBench(
  cluster: MeasuredCluster,
  clusterConditions: ClusterConditions,
  plan: BenchPlan,
  observer: BenchObserver,
  clock: LoadClock,
  signal: AbortSignal,
): Promise<BenchResult> {
  const startedAt = new Date().toISOString();
  const { load, seed, sessionCount } = plan;
  const loadConditions = { ...load, seed, sessions: sessionCount };
  const conditions = await runConditions(clusterConditions, loadConditions);
  const sessions: MeasuredSession[] = [];
  try {
    for (let count = 0; count < plan.sessionCount; count += 1) {
      sessions.push(await cluster.connect());
    }
    const run = { cluster, plan, observer, clock, signal, sessions };
    const experiments = plan.hasExperiments ? await runExperiments(run) : [];
    const rows = await runRows(run);
    const throughput = await runSweep(run);
    const baselines = await runBaselines(run, clusterConditions.durability);
    const report: BenchReport = {
      format: RUN_FORMAT,
      version: RUN_VERSION,
      startedAt,
      conditions,
      experiments,
      rows: rows.map((row) => row.report),
      baselines: baselines.map((baseline) => baseline.report),
      throughput,
    };
    const distributions = [...rows, ...baselines].map(({ report: part, percentileText }) => {
      return { file: part.percentileFile, text: percentileText };
    });
    return { report, distributions };
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

/**
 * Measures all rows once, then all once more, and so on: whatever the machine does meanwhile, it
 * does to all of them.
 */
async function runRows(run: BenchRun): Promise<MeasuredRow[]> {
  const { plan, observer, clock } = run;
  const { passes: passCount, budgetMs } = plan.repeat;
  const startMicros = clock.nowMicros();
  const endMicros = budgetMs === null ? Infinity : startMicros + budgetMs * MICROS_PER_MS;
  const measured = plan.rows.map((row) => ({ row, passes: [] as MeasuredPass[], lastMicros: 0 }));
  let passNumber = 0;
  for (let round = 0; round < passCount; round += 1) {
    for (const each of measured) {
      const beganMicros = clock.nowMicros();
      if (round > 0 && beganMicros + each.lastMicros > endMicros) continue;
      passNumber += 1;
      const context = { ...run, load: plan.load, seed: plan.seed, passNumber };
      observer.rowStarted(each.row, warmUpCount(each.row) + each.row.iterations);
      each.passes.push(await measurePass(context, each.row, () => observer.operationDone()));
      observer.rowDone();
      each.lastMicros = clock.nowMicros() - beganMicros;
    }
  }
  return measured.map(({ row, passes }, index) => combinePasses(row, index + 1, passes));
}

async function runSweep(run: BenchRun): Promise<ThroughputReport[]> {
  const { plan, cluster, clock, signal, observer } = run;
  if (plan.sweep === null) return [];
  const onPoint = (label: string, point: ThroughputPoint): void => observer.loadDone(label, point);
  return measureSweep({ cluster, seed: plan.seed, clock, signal, onPoint }, plan.sweep);
}

/** One baseline for each kind of work, as long as its first row. */
async function runBaselines(
  { plan, cluster, clock, signal }: BenchRun,
  durability: string,
): Promise<MeasuredBaseline[]> {
  const baselines: MeasuredBaseline[] = [];
  const accounts = plan.hasBaseline ? ((await cluster.readTable(0))?.accounts ?? []) : [];
  for (const kind of accounts.length === 0 ? [] : WORKLOAD_KINDS) {
    const row = plan.rows.find((each) => each.kind === kind);
    if (row === undefined) continue;
    const { iterations } = row;
    const options = { kind, iterations, seed: plan.seed, accounts, clock, signal };
    baselines.push(await measureBaseline({ ...options, durability: durabilityOf(durability) }));
  }
  return baselines;
}

/** What the replicas say may be nothing that this release knows. */
function durabilityOf(said: string): Durability {
  return DURABILITIES.find((known) => known === said) ?? "fsync";
}
