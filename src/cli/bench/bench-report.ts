import type { ComparedCustomer } from "../customer-tables.js";
import type { BaselineReport, RowReport, ThroughputReport } from "./row-report.js";
import type { RunConditions } from "./run-conditions.js";

/** What `run.json` says it is, so that another program's JSON is not taken for it. */
export const RUN_FORMAT = "pbft-ledger run";

/** Counts the changes to `BenchReport` that older programs can't read. */
export const RUN_VERSION = 2;

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

/** Everything one run found out: `run.json` is exactly this. */
export interface BenchReport {
  readonly format: typeof RUN_FORMAT;
  readonly version: typeof RUN_VERSION;
  readonly startedAt: string;
  readonly conditions: RunConditions;
  readonly experiments: readonly ExperimentReport[];
  readonly rows: readonly RowReport[];
  /** By kind of work; empty when none was measured. */
  readonly baselines: readonly BaselineReport[];
  /** Empty when the run measured none. */
  readonly throughput: readonly ThroughputReport[];
}

/** Whether all replicas' databases agreed after every experiment, pass and series of loads. */
export function isConsistent(report: BenchReport): boolean {
  return (
    report.experiments.every((experiment) => experiment.identical) &&
    report.rows.every((row) => row.passes.every((pass) => pass.consistent)) &&
    report.throughput.every((series) => series.consistent)
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
  for (const series of report.throughput) problems.push(...seriesProblems(series));
  return problems;
}

function seriesProblems({ label, points, consistent, consistency }: ThroughputReport): string[] {
  const problems = consistent ? [] : [`As the load of ${label} grew: ${consistency}.`];
  for (const { inFlight, failures } of points) {
    for (const [code, count] of Object.entries(failures)) {
      problems.push(`${label}, ${inFlight} in flight: ${count} operations failed with "${code}".`);
    }
  }
  return problems;
}

function rowProblems({ iterations, kind, passes }: RowReport): string[] {
  const problems: string[] = [];
  for (const [index, pass] of passes.entries()) {
    const which = passes.length === 1 ? "" : `, pass ${index + 1}`;
    const name = `${iterations} iterations, ${kind}${which}`;
    if (!pass.consistent) problems.push(`${name}: ${pass.consistency}.`);
    if (pass.balancesAsPredicted === false) {
      problems.push(`${name}: the balances are not what the operations' outcomes add up to.`);
    }
    for (const [code, count] of Object.entries(pass.failures)) {
      problems.push(`${name}: ${count} operations failed with "${code}".`);
    }
  }
  return problems;
}
