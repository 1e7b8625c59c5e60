import type { ComparedCustomer } from "../customer-tables.js";
import type { RunConditions } from "./run-conditions.js";
import type { LatencySummary, PercentilePoint } from "./latency-histogram.js";
import type { PartitionReport } from "./partitions.js";
import type { WorkloadKind } from "./workload.js";

/** One measured row of the table. Plain data: `run.json` is exactly this. */
export interface RowReport {
  readonly kind: WorkloadKind;
  readonly iterations: number;
  readonly readCount: number;
  readonly writeCount: number;
  readonly warmUpCount: number;
  readonly durationMs: number;
  /** Operations that ended well, by the second. */
  readonly opsPerSecond: number;
  readonly latency: LatencySummary;
  readonly readLatency: LatencySummary;
  readonly writeLatency: LatencySummary;
  readonly curve: readonly PercentilePoint[];
  /** Name of this row's percentile file in the run's folder. */
  readonly percentileFile: string;
  /** How many operations failed, by code; empty when all went well. */
  readonly failures: Readonly<Record<string, number>>;
  readonly viewChangeCount: number;
  /** Replicas that were cut off meanwhile, in order. */
  readonly partitions: readonly PartitionReport[];
  /** Whether all replicas' databases were identical after the row. */
  readonly consistent: boolean;
  readonly consistency: string;
  /** Whether the balances are what the outcomes add up to; null when an outcome is unknown. */
  readonly balancesAsPredicted: boolean | null;
}

/** One customer in the replicas' databases after an experiment. */
export interface ExperimentAccount extends ComparedCustomer {
  /** Balance that the reference published, or null when it named none. */
  readonly published: string | null;
}

/** One of the reference's experiments, repeated. */
export interface ExperimentReport {
  readonly title: string;
  readonly commands: string;
  /** The answers to the commands, in order: a balance, or the code of a failure. */
  readonly answers: readonly string[];
  readonly accounts: readonly ExperimentAccount[];
  readonly identical: boolean;
  /** Whether every balance and answer is the published one. */
  readonly asPublished: boolean;
}

/** Everything one run found out. */
export interface BenchReport {
  readonly startedAt: string;
  readonly conditions: RunConditions;
  readonly experiments: readonly ExperimentReport[];
  readonly rows: readonly RowReport[];
}

/** Whether all replicas' databases agreed after every experiment and every row. */
export function isConsistent(report: BenchReport): boolean {
  return (
    report.experiments.every((experiment) => experiment.identical) &&
    report.rows.every((row) => row.consistent)
  );
}

/** Every reason why this run is not a success, one sentence each; empty when it is one. */
export function problemsOf(report: BenchReport): string[] {
  const problems: string[] = [];
  for (const { title, identical, asPublished } of report.experiments) {
    if (!identical) problems.push(`${title}: the replicas' databases differ.`);
    if (!asPublished) problems.push(`${title}: a balance is not the published one.`);
  }
  for (const row of report.rows) problems.push(...rowProblems(row));
  return problems;
}

function rowProblems(row: RowReport): string[] {
  const name = `${row.iterations} iterations, ${row.kind}`;
  const problems: string[] = [];
  if (!row.consistent) problems.push(`${name}: ${row.consistency}.`);
  if (row.balancesAsPredicted === false) {
    problems.push(`${name}: the balances are not what the operations' outcomes add up to.`);
  }
  for (const [code, count] of Object.entries(row.failures)) {
    problems.push(`${name}: ${count} operations failed with "${code}".`);
  }
  return problems;
}
