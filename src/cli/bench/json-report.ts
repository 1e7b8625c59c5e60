import { isConsistent } from "./bench-report.js";
import type { BenchReport, RowReport } from "./bench-report.js";

/** Decimals of a millisecond or a rate that scripts get: microseconds are what was measured. */
const DECIMALS = 3;

/** The one line of JSON that `--json` promises scripts, without a line end. */
export function jsonReport(report: BenchReport, reportPath: string): string {
  const rows = report.rows.map((row) => jsonRow(row));
  return JSON.stringify({ consistent: isConsistent(report), rows, report: reportPath });
}

function jsonRow(row: RowReport) {
  return {
    iterations: row.iterations,
    read: row.readCount,
    write: row.writeCount,
    meanMs: rounded(row.latency.meanMs),
    p50Ms: rounded(row.latency.p50Ms),
    p99Ms: rounded(row.latency.p99Ms),
    p999Ms: rounded(row.latency.p999Ms),
    opsPerSecond: rounded(row.opsPerSecond),
    viewChanges: row.viewChangeCount,
    partitions: row.partitions.length,
    consistent: row.consistent,
    maxMs: rounded(row.latency.maxMs),
    catchUpMs: row.partitions.map(({ catchUpMs }) => catchUpMs && rounded(catchUpMs)),
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(DECIMALS));
}
